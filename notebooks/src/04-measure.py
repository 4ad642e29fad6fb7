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
# # How fast is my model on my hardware?
#
# Click the cell below, then press **Run** (▶ in the bar above, or Shift+Enter). Pick a model or upload your own, press
# one button and watch the samples arrive. The other tabs try threads and batches, int8 against fp32, two ways to load
# a server, and put this machine into the advice. Every figure comes with its interval; a p99 is shown once the sample
# supports it; other work on the machine is noticed and said.

# %% [markdown] lang="zh"
# # 我的模型在我的硬件上有多快？
#
# 点一下下面的单元格，再按 **运行**（上方工具栏的 ▶，或 Shift+Enter）。
# 选一个模型或上传自己的，按一个按钮，看样本陆续到来。
# 其他标签页可以试线程数和批大小、int8 与 fp32 对比、两种压测方式，并把这台机器用于选型建议。
# 每个数字都带区间；p99 只在样本足够时给出；机器上的其他任务若有干扰，会被发现并说明。

# %%
from advisor.view import lab

lab(lang=LANG)

# %% [markdown] lang="en"
# ## The same in Python
#
# `measure` runs the model in a process of its own, after a warm-up, in bursts. A quantile is an interval, or None while
# the samples are too few.

# %% [markdown] lang="zh"
# ## 用 Python 做同样的事
#
# `measure` 在单独的进程里运行模型，先预热，再一小段一小段地测。分位数给出区间；样本太少时返回 None。

# %%
from advisor.lab import measure
from advisor.lab.words import run_text

run = measure("digits", seconds=1)
print(run_text(run, 1, LANG))

# %% [markdown] lang="en"
# ## Which models are at hand?
#
# Trained ones come with the product; generated ones have the layers of a published model and weights from a seed, so
# their speed is real and their answers mean nothing. Any `.onnx` file of yours works too.

# %% [markdown] lang="zh"
# ## 手边有哪些模型？
#
# 训练过的模型随产品附带；生成的模型采用公开模型的结构，权重由随机种子生成，速度是真的，输出没有意义。
# 您自己的任何 `.onnx` 文件也可以用。

# %%
from advisor.lab import zoo

for name in zoo.names()[:8]:
    print(name, "-", zoo.about(name).in_language(LANG))

# %% [markdown] lang="en"
# ## int8 against fp32
#
# `variant` makes the file, `compare` measures both in turn with a copy of the first that shows what is noise.

# %% [markdown] lang="zh"
# ## int8 与 fp32 对比
#
# `variant` 生成文件，`compare` 把两者交替测量，并用原模型的一个副本量出噪声有多大。

# %%
from advisor.lab import compare, variant
from advisor.lab.comparison_words import comparison_text
from advisor.lab.variant_words import variant_text

made = variant("digits", "int8")
print(variant_text(made, LANG))
print(comparison_text(compare("digits", made.path, seconds=3), LANG))

# %% [markdown] lang="en"
# ## Everything is kept
#
# Runs of the form lie in a store in your data folder, one file each, never changed: `Store().runs()` lists them, and
# `Store().export(None, "runs.zip")` makes one file to share.

# %% [markdown] lang="zh"
# ## 测过的都保留
#
# 表单里的测量保存在您数据文件夹的仓库中，每次一个文件，从不改动：`Store().runs()` 列出它们，
# `Store().export(None, "runs.zip")` 打成一个文件供分享。

# %%
from advisor.lab.store import Store

Store().runs()[["id", "model", "threads", "batch", "n", "p50_s"]].tail(3)

# %% [markdown] lang="en"
# ## Try it
#
# 1. Measure with one thread, then with as many as the machine has. Does twice the threads halve the time?
# 2. Set an SLO close to the p99. Why is the verdict undecided, and what would decide it?
# 3. In the tab with the two loads, double the freeze. Which client notices?
# 4. In the last tab, name a model of your own, calibrate and ask. What changed, and for which machines?

# %% [markdown] lang="zh"
# ## 试一试
#
# 1. 先用一个线程测，再用机器的全部线程测。线程翻倍，时间减半吗？
# 2. 把目标设得接近 p99。为什么结论是“无法判定”，怎样才能判定？
# 3. 在两种压测的标签页里把卡住时长加倍。哪个客户端看得出来？
# 4. 在最后一个标签页填自己的模型，校准并提问。哪些机器的结果变了，变了多少？
