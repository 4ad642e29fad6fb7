"""Style sheet of the widgets; colours follow the theme of JupyterLab and Voilà."""

STYLE = """
<style>
.advisor {
  --advisor-line: var(--jp-border-color2, #ccc); --advisor-bad: #b3261e; color: var(--jp-ui-font-color1, #222); }
.advisor .widget-html-content, .advisor .jupyter-widgets { overflow: visible; }
.advisor .widget-html, .advisor .widget-html > .widget-html-content { min-width: 0; max-width: 100%; }
.advisor-grid { grid-gap: 8px 16px; }
.advisor-field, .advisor-field > * { width: 100%; margin: 0; min-width: 0; }
.advisor-field .widget-html { min-height: 0; height: auto; }
.advisor-field .widget-html-content { min-height: 0; line-height: 1.35; }
.advisor-field > .widget-inline-hbox { flex-direction: column; align-items: stretch; height: auto; }
.advisor-field > .widget-inline-hbox > .widget-label {
  width: 100%; height: auto; padding: 2px 0; overflow: visible; white-space: normal; text-align: start; line-height:
  1.35; }
.advisor-field > .widget-inline-hbox > input,
.advisor-field > .widget-inline-hbox > select {
  width: 100%; height: 28px; min-height: 28px; flex: 0 0 auto; }
.advisor-field > .widget-slider { flex-direction: row; height: 20px; overflow: visible; }
.advisor-field .widget-checkbox, .advisor-field .widget-checkbox > label {
  width: auto; height: auto; white-space: normal; line-height: 1.35; }
.advisor-wide { grid-column: 1 / -1; }
.advisor-broad { grid-column: span 2; }
.advisor-checks { flex-flow: row wrap; grid-gap: 2px 16px; }
.advisor-wrong input, .advisor-wrong select { border: 2px solid var(--advisor-bad) !important; }
.advisor-error { color: var(--advisor-bad); font-weight: 600; white-space: normal; line-height: 1.4; }
.advisor-error::before { content: "\\26A0\\00A0"; }
.advisor-note { color: var(--jp-ui-font-color1, #444); font-size: 92%; line-height: 1.5; margin: 2px 0; }
.advisor-lead { font-size: 115%; font-weight: 600; line-height: 1.5; margin: 6px 0; }
.advisor-text { line-height: 1.5; margin: 4px 0; }
.advisor-heading { margin: 14px 0 4px; line-height: 1.4; font-weight: 600; }
.advisor-old { opacity: 0.45; }
.advisor-scroll { overflow-x: auto; max-width: 100%; }
.advisor-scroll table { border-collapse: collapse; width: 100%; font-size: 12.5px; line-height: 1.4; }
.advisor-scroll caption { text-align: start; padding: 2px 0; }
.advisor-scroll th, .advisor-scroll td {
  border-bottom: 1px solid var(--advisor-line); padding: 4px 5px; text-align: start; vertical-align: top;
  white-space: normal; overflow-wrap: break-word; min-width: 2.8em; }
.advisor-scroll td.advisor-tight { white-space: nowrap; overflow-wrap: normal; min-width: 0; }
.advisor-scroll th {
  font-weight: 600; font-size: 11.5px; background: var(--jp-layout-color2, #f3f3f3); overflow-wrap: normal; }
.advisor-scroll tbody tr:first-child td { font-weight: 600; }
.advisor-compare tbody th { width: 8em; min-width: 6em; text-align: start; vertical-align: top; }
.advisor-compare td { min-width: 12em; }
.advisor-compare ul { margin: 0; padding-inline-start: 16px; }
.advisor .widget-tab > .lm-TabBar .lm-TabBar-tab {
  flex: 0 1 auto; max-width: 20em; min-width: 0; padding: 0 12px; }
.advisor .jupyter-widget-Collapse-header { padding: 5px 10px; }
.advisor-plain tbody tr:first-child td { font-weight: inherit; }
.advisor-totals tbody tr:nth-last-child(-n+3) td { font-weight: 600; }
.advisor .widget-html-content ul { margin: 2px 0 6px; padding-inline-start: 20px; line-height: 1.55; }
.advisor .jp-RenderedPlotly { display: block; height: 420px; }
.advisor .widget-html-content a { color: var(--jp-content-link-color, #00539f); text-decoration: underline; }
.advisor .advisor-low .jp-RenderedPlotly { height: auto; }
.advisor-digits { display: flex; flex-wrap: wrap; gap: 12px; }
.advisor-digits figure { margin: 0; text-align: center; }
.advisor-digits img { width: 72px; height: 72px; image-rendering: pixelated; border: 1px solid var(--advisor-line); }
.advisor-badge {
  display: inline-block; border: 1px solid currentColor; border-radius: 8px; padding: 0 8px; margin-inline-end: 8px; }
</style>
"""
