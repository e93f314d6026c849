# Two commands are enough: `make demo` and `make test`. Everything they need is built into .venv first.

.DEFAULT_GOAL := help
.PHONY: help demo test up bench lint audit clean

BUILT := .venv/.built
PROCESSES := 2

help:  ## 列出命令 · this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(BUILT)  ## 小城市，从头到审计 · a small city, from an empty database to the audit
	@.venv/bin/puhui demo $(ARGS)

test: $(BUILT)  ## 全部测试 · all tests
	@.venv/bin/pytest -n $(PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

up: $(BUILT)  ## 运行平台 · serve until stopped
	@.venv/bin/puhui up $(ARGS)

bench: $(BUILT)  ## 与参照同机测速 · our rates beside their references
	@.venv/bin/puhui bench post $(ARGS)
	@.venv/bin/puhui bench intake $(ARGS)
	@.venv/bin/puhui bench redeem $(ARGS)
	@.venv/bin/puhui bench read $(ARGS)
	@.venv/bin/puhui bench certify $(ARGS)

lint: $(BUILT)  ## 风格、类型、依赖方向 · style, types, import directions
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

audit: $(BUILT)  ## 重算并核对账本 · recompute and prove the books
	@.venv/bin/puhui audit $(ARGS)

clean:  ## 删除 .venv 与缓存，不动数据 · remove .venv and caches, never data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(BUILT): requirements.lock requirements-uv.lock pyproject.toml bootstrap
	@./bootstrap
	@touch $@
