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
# # On which system should my AI model be deployed?
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter). After a few seconds you see a form.
# Choose the situation nearest to yours, change the numbers, and read the ranked list: whole deployment stacks with
# their monthly cost, their p99 latency as a range, and the reasons. The second tab measures a small ONNX model, or
# your own, on the machine that runs this notebook.

# %% [markdown] lang="zh"
# # 我的 AI 模型该部署在哪种系统上？
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。几秒钟后会出现一张表单。
# 选一个最接近您情况的场景，改改数值，就能看到排好名次的完整部署方案：
# 每月费用、以区间给出的 p99 延迟，以及理由。
# 第二个标签页可以在运行本笔记本的机器上实测一个小型 ONNX 模型，或者您自己的模型。

# %%
from advisor.view import app

app(lang=LANG)

# %% [markdown] lang="en"
# If the form stops reacting after a restart of the kernel, run the cell again.
#
# ## The same in Python
#
# Everything the form does is one call. A question holds the model, the traffic, the country and the objective; what is
# left out takes a documented default.

# %% [markdown] lang="zh"
# 如果重启内核后表单没有反应，请重新运行上面的单元格。
#
# ## 用 Python 做同样的事
#
# 表单所做的只是一次函数调用。一个问题包含模型、流量、国家/地区和目标；没有填写的项取文档中写明的默认值。

# %%
import pandas as pd

from advisor import Requirements, advise

asked = Requirements(model="resnet50", qps=50, country="CN", p99_ms=100)
advice = advise(asked)
pd.options.display.max_colwidth = None
advice.table(3, lang=LANG).set_index("#").T

# %% [markdown] lang="en"
# ## The six families
#
# Always all six: the best stack of each, or the nearest miss with the rule that stops it and the change that would let
# it in.

# %% [markdown] lang="zh"
# ## 六大类别
#
# 六类总是全部列出：每类给出最佳方案；若没有可行方案，则给出最接近的一个，
# 并说明被哪条规则挡住、改变什么就能可行。

# %%
left = {"text-align": "left", "vertical-align": "top", "min-width": "5em"}
advice.families(lang=LANG).style.hide().set_properties(**left)

# %% [markdown] lang="en"
# ## Why this one?
#
# Each line is a reason with its numbers, dates and sources.

# %% [markdown] lang="zh"
# ## 为什么是它？
#
# 每一行是一条理由，带有数值、日期和来源。

# %%
print(advice.explain(advice.best.id, lang=LANG))

# %% [markdown] lang="en"
# ## A report to hand on
#
# The first page answers five questions: what to use, what it costs and how sure that is, why not the cheaper one, what
# would change it, what to do next. Here is its beginning; `advice.to_html("report.html")` writes it as one file that
# opens offline and prints on A4. The button below the form does the same.

# %% [markdown] lang="zh"
# ## 可以转交的报告
#
# 第一页回答五个问题：该用什么、每月多少钱有多大把握、为什么不选更便宜的、什么情况会改变结论、下一步做什么。
# 下面是开头部分；`advice.to_html("report.html")` 把它写成一个文件，可离线打开，也可打印成 A4。
# 表单下方的按钮做的是同样的事。

# %%
from IPython.display import Markdown

Markdown(advice.to_markdown(LANG).split("|")[0])

# %% [markdown] lang="en"
# ## Every stack that fits
#
# `advice.options` is a plain pandas table of all of them, in rank order. A price that nobody publishes stays empty; it
# is never 0.

# %% [markdown] lang="zh"
# ## 所有可行方案
#
# `advice.options` 是一个普通的 pandas 表，按名次列出全部可行方案。没有公开的价格留空，绝不会写成 0。

# %%
columns = ["id", "usd_per_month", "p99_low_ms", "p99_ms", "p99_high_ms", "fidelity", "price_date"]
advice.options[columns].head(5)

# %% [markdown] lang="en"
# ## Try it
#
# 1. Set `data="on-premises"`. Which families are left?
# 2. Set `p99_ms=20`. What happens to the countries far from the users?
# 3. Name a file of your own: `model="my_model.onnx"`.

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. 设 `data="on-premises"`。还剩哪些类别？
# 2. 设 `p99_ms=20`。离用户较远的区域会怎样？
# 3. 换成您自己的文件：`model="my_model.onnx"`。
