# The commands of this project. `make demo` and `make test` are all a newcomer needs.
SHELL := /bin/sh
export UV_COMPILE_BYTECODE := 1
export PREFECT_SERVER_ALLOW_EPHEMERAL_MODE := false
export DO_NOT_TRACK := 1
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
STAMP := .venv/.synced

.PHONY: help setup demo test lives check bench up clean lock diagram migration

help:  ## 列出全部命令
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

setup: $(STAMP)  ## 安装依赖,得到 .venv/bin/lifecycle

.uv/bin/uv:
	@echo "正在安装 uv……"
	@(python3 -m venv .uv >/dev/null 2>&1 && .uv/bin/python -m pip install --quiet uv) \
	  || (rm -rf .uv && mkdir -p .uv && python3 -m pip install --quiet --target .uv/lib uv && mkdir -p .uv/bin && ln -sf ../lib/bin/uv .uv/bin/uv)

$(STAMP): pyproject.toml uv.lock | $(UV)
	$(UV) sync --quiet --frozen --extra embedded
	@touch $(STAMP)

demo: setup  ## 演练:黄石案例从需求摸底到核验通过的档案包
	.venv/bin/lifecycle demo

test: setup  ## 运行全部测试
	.venv/bin/python -m pytest -q -n 2 --dist loadgroup

n := 300
lives: setup  ## 随机办理整个流程,检查各项不变量,用法:make lives n=300
	LIFECYCLE_LIVES=$(n) .venv/bin/python -m pytest -q -s tests/journeys/test_random_life.py

check: setup  ## 格式、静态检查、分层、政策、状态图、迁移、文档链接
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m models.policy.lint
	.venv/bin/python -m models.rules.diagram --check docs/state-diagram.md
	.venv/bin/python -m infra.migrations.autogenerate --check
	.venv/bin/python -m tests.fitness.links

bench: setup  ## 测量:各项比值,写入 var/bench.json
	.venv/bin/python -m tests.bench

up: setup  ## 启动本机全部服务
	.venv/bin/lifecycle up

diagram: setup  ## 由转换表重新生成状态图
	.venv/bin/python -m models.rules.diagram docs/state-diagram.md

migration: setup  ## 由表结构生成下一个迁移,用法:make migration m="说明"
	.venv/bin/python -m infra.migrations.autogenerate "$(m)"

lock: | $(UV)  ## 重新锁定依赖
	$(UV) lock

clean:  ## 停止本机服务,删除数据、缓存和环境
	-@test -x .venv/bin/lifecycle && .venv/bin/lifecycle down >/dev/null 2>&1
	rm -rf var .venv .uv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
