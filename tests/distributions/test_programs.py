"""Programs written for PyTorch, as they import and use distributions, through `python -m tinytensor`."""

import os
import subprocess
import sys
import textwrap

import pytest
import util

pytestmark = pytest.mark.skipif(util.STAND_IN, reason="programs run under tinytensor")


def run(tmp_path, program: str) -> list[float]:
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, "-m", "tinytensor", str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return [float(word) for word in done.stdout.split()]


CORRIDOR = """
class Corridor:
    # The way to the right pays; an episode has ten steps.
    def reset(self):
        self.place, self.steps = 0.0, 0
        return [self.place, 1.0]

    def step(self, action):
        self.place += 1 if action == 1 else -1
        self.steps += 1
        return [self.place, 1.0], 1.0 if action == 1 else 0.0, self.steps == 10
"""


def test_reinforce(tmp_path):
    first, last = run(
        tmp_path,
        CORRIDOR
        + """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical

torch.manual_seed(1)

class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1, self.affine2 = nn.Linear(2, 16), nn.Linear(16, 2)
        self.saved_log_probs, self.rewards = [], []

    def forward(self, x):
        return F.softmax(self.affine2(F.relu(self.affine1(x))), dim=1)

policy, env = Policy(), Corridor()
optimizer = optim.Adam(policy.parameters(), lr=1e-2)
totals = []
for episode in range(60):
    state, done = env.reset(), False
    while not done:
        probs = policy(torch.tensor(state).float().unsqueeze(0))
        m = Categorical(probs)
        action = m.sample()
        policy.saved_log_probs.append(m.log_prob(action))
        state, reward, done = env.step(action.item())
        policy.rewards.append(reward)
    R, returns = 0, []
    for r in policy.rewards[::-1]:
        R = r + 0.99 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + 1e-6)
    loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    torch.cat(loss).sum().backward()
    optimizer.step()
    totals.append(sum(policy.rewards))
    del policy.saved_log_probs[:], policy.rewards[:]
print(sum(totals[:10]) / 10, sum(totals[-10:]) / 10)
""",
    )
    assert last > first + 1


def test_actor_critic(tmp_path):
    first, last = run(
        tmp_path,
        CORRIDOR
        + """
import torch
from torch import nn
import torch.nn.functional as F
from torch.distributions.categorical import Categorical

torch.manual_seed(3)
body, actor, critic = nn.Linear(2, 16), nn.Linear(16, 2), nn.Linear(16, 1)
optimizer = torch.optim.Adam([*body.parameters(), *actor.parameters(), *critic.parameters()], lr=1e-2)
env, totals = Corridor(), []
for episode in range(60):
    state, done, saved, rewards, entropies = env.reset(), False, [], [], []
    while not done:
        x = F.relu(body(torch.tensor(state)))
        m = Categorical(logits=actor(x))
        action = m.sample()
        saved.append((m.log_prob(action), critic(x)))
        entropies.append(m.entropy())
        state, reward, done = env.step(action.item())
        rewards.append(reward)
    R, losses = 0, []
    for (log_prob, value), reward in zip(reversed(saved), reversed(rewards)):
        R = reward + 0.9 * R
        losses += [-log_prob * (R - value.item()), F.smooth_l1_loss(value, torch.tensor([R]))]
    optimizer.zero_grad()
    (torch.stack(losses).sum() - 0.01 * torch.stack(entropies).sum()).backward()
    optimizer.step()
    totals.append(sum(rewards))
print(sum(totals[:10]) / 10, sum(totals[-10:]) / 10)
""",
    )
    assert last > first + 1


def test_squashed_gaussian_policy(tmp_path):
    (reached,) = run(
        tmp_path,
        """
        import torch
        from torch.distributions import Independent
        from torch.distributions.normal import Normal
        from torch.distributions.transformed_distribution import TransformedDistribution
        from torch.distributions.transforms import AffineTransform, TanhTransform

        torch.manual_seed(0)
        loc, log_std = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
        optimizer = torch.optim.Adam([loc, log_std], lr=0.05)
        for step in range(200):
            policy = TransformedDistribution(
                Independent(Normal(loc, log_std.exp()), 1), [TanhTransform(cache_size=1), AffineTransform(0.0, 2.0)]
            )
            action = policy.rsample((64,))
            cost = (action - torch.tensor([1.0, -0.5])).square().sum(-1) + 0.01 * policy.log_prob(action)
            optimizer.zero_grad()
            cost.mean().backward()
            optimizer.step()
        print((2 * loc.tanh() - torch.tensor([1.0, -0.5])).abs().max().item())
        """,
    )
    assert reached < 0.1


def test_variational_autoencoder(tmp_path):
    first, last = run(
        tmp_path,
        """
        import torch
        from torch import nn
        from torch.distributions import Bernoulli, Normal, kl_divergence

        torch.manual_seed(0)
        prototypes = (torch.rand(4, 16) > 0.5).float()
        data = prototypes[torch.randint(4, (256,))]
        encoder, decoder = nn.Linear(16, 4), nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 16))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.01)
        bounds = []
        for epoch in range(300):
            mean, log_scale = encoder(data).chunk(2, -1)
            posterior = Normal(mean, log_scale.exp())
            z = posterior.rsample()
            likelihood = Bernoulli(logits=decoder(z)).log_prob(data).sum(-1)
            divergence = kl_divergence(posterior, Normal(torch.zeros(2), torch.ones(2))).sum(-1)
            loss = (divergence - likelihood).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            bounds.append(loss.item())
        print(bounds[0], bounds[-1])
        """,
    )
    assert last < 0.7 * first


def test_normalizing_flow(tmp_path):
    first, last = run(
        tmp_path,
        """
        import torch
        import torch.distributions as dist
        import torch.distributions.constraints as constraints

        torch.manual_seed(0)
        data = dist.LogNormal(1.0, 0.5).sample((512, 1))
        loc, free = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.Adam([loc, free], lr=0.02)
        losses = []
        for step in range(300):
            scale = dist.transform_to(constraints.positive)(free)
            flow = dist.TransformedDistribution(
                dist.Normal(torch.zeros(1), torch.ones(1)),
                [dist.AffineTransform(loc, scale), dist.ExpTransform()],
            )
            loss = -flow.log_prob(data).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        print(losses[0], losses[-1])
        assert abs(loc.item() - 1) < 0.1 and abs(scale.item() - 0.5) < 0.1
        """,
    )
    assert last < first - 0.5


def test_nothing_is_imported_before_it_is_used():
    program = (
        "import sys, tinytensor; print('tinytensor.distributions' in sys.modules); tinytensor.distributions"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stdout.strip() == "False", done.stderr
