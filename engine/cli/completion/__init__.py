"""What completes `mlxk-rules` in a shell: made from the usage texts, so that it cannot lag behind them."""
