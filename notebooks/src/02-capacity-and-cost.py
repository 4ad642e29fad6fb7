# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% tags=["only-in-source"]
LANG = "en"

# %% [markdown] lang="en"
# # How many replicas, and for how much?
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter).

# %% [markdown] lang="zh"
# # 要几个副本，花多少钱？
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。

# %%
from advisor.view import capacity

capacity(lang=LANG)
