"""Pictures of a page in the browser."""

CUT_OFF = """[...document.querySelectorAll('.advisor .main-svg text')].filter(text => {
  const box = text.getBoundingClientRect(), frame = text.closest('.js-plotly-plot').getBoundingClientRect();
  return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1);
}).map(text => text.textContent)"""
"""Script: words of the pictures that are drawn and lie beyond their frame."""
