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
# # What the advisor knows
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter). You see the six families side by side,
# then every system with its lowest known price and the situations in which it comes out among the first three. Filter
# by kind, family or a word, and put up to three systems beside each other: strengths, weaknesses, limits, prices with
# their dates, and the sources to follow.

# %% [markdown] lang="zh"
# # 本工具掌握的知识
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。先看到六大类别的并排比较，
# 然后是全部系统：已知最低价，以及在哪些典型场景中进入前三名。
# 可以按类型、类别或关键词筛选，并把最多三个系统并排比较：优势、不足、限制、带日期的价格，以及可以点开的来源。

# %%
from advisor.view import browser

browser(lang=LANG)

# %% [markdown] lang="en"
# ## The same in Python
#
# `load()` returns everything the advisor knows, each record with its sources.

# %% [markdown] lang="zh"
# ## 用 Python 做同样的事
#
# `load()` 返回本工具掌握的全部知识，每条记录都带有来源。

# %%
from advisor import load

knowledge = load()
{
    name: len(getattr(knowledge, name))
    for name in ("families", "systems", "devices", "models", "rules", "offers", "regions")
}

# %% [markdown] lang="en"
# A fact without a source does not enter; what nobody publishes is marked as an estimate, with its method.

# %% [markdown] lang="zh"
# 没有来源的事实不会收录；没有公开数据的内容标为估算，并写明方法。

# %%
record = knowledge.systems["aws-lambda"]
for claim in record.claims:
    print(claim.dated, getattr(claim, "title", None) or claim.method, getattr(claim, "url", ""), sep=" | ")

# %% [markdown] lang="en"
# ## Try it
#
# 1. Choose the family Serverless and compare three functions. Which takes the largest request?
# 2. Search for Jetson. Which boards are legacy, and what succeeds them?
# 3. Compare a managed endpoint, a virtual machine and Kubernetes of one cloud: what do they cost in people's time?

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. 选择类别 Serverless，比较三种函数服务。哪一个允许的请求最大？
# 2. 搜索 Jetson。哪些板卡已经过时，后继是什么？
# 3. 比较同一家云的托管端点、虚拟机和 Kubernetes：各要投入多少人力？
