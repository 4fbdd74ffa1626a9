"""Fits a line to noisy points by gradient descent on tensors, and prints how the loss falls."""

import argparse

import tinytensor as torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    torch.manual_seed(options.seed)
    x = torch.rand(100, 1)
    y = 2 * x + 1 + 0.05 * torch.randn(100, 1)
    weight = torch.zeros(1, 1, requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)

    for step in range(options.steps + 1):
        loss = ((x @ weight + bias - y) ** 2).mean()
        if step % 50 == 0:
            print(f"step {step:4d}  loss {loss.item():.5f}  y = {weight.item():.3f} x + {bias.item():.3f}")
        loss.backward()
        with torch.no_grad():
            for parameter in (weight, bias):
                parameter -= options.lr * parameter.grad
                parameter.grad = None


if __name__ == "__main__":
    main()
