"""Hugging Face's transformers, run as it is: models, generation, files, and its Trainer, against PyTorch where it is
there.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers")

MODELS = ("gpt2", "llama", "bert", "t5", "vit")

# Makes a small model, takes three steps of training, generates, saves, loads; writes what came out.
PROGRAM = """
import json, sys, tempfile
import torch, transformers as T

T.logging.set_verbosity_error()
T.logging.disable_progress_bar()
words = 64
torch.manual_seed(1)
ids = torch.randint(3, words, (2, 9))
pixels = torch.randn(2, 3, 16, 16)
text = dict(input_ids=ids, labels=ids)
llama = dict(
    vocab_size=words, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, bos_token_id=1, eos_token_id=2,
)
bert = dict(vocab_size=words, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64)
vit = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, image_size=16, patch_size=8)
gpt2 = dict(vocab_size=words, n_positions=32, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)
t5 = dict(vocab_size=words, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0)
classes = torch.tensor([0, 2])
name = sys.argv[1]
kind, config, batch, writes = {
    "gpt2": (T.GPT2LMHeadModel, T.GPT2Config(**gpt2), text, True),
    "llama": (T.LlamaForCausalLM, T.LlamaConfig(**llama), text, True),
    "bert": (T.BertForSequenceClassification, T.BertConfig(num_labels=3, **bert), dict(input_ids=ids, labels=classes), 0),
    "t5": (T.T5ForConditionalGeneration, T.T5Config(**t5), text, True),
    "vit": (T.ViTForImageClassification, T.ViTConfig(num_labels=3, **vit), dict(pixel_values=pixels, labels=classes), 0),
}[name]
torch.manual_seed(0)
model = kind(config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
losses = []
for _ in range(3):
    loss = model(**batch).loss
    optimizer.zero_grad()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses += [loss.item(), norm.item()]
model.eval()
logits = model(**batch).logits
found = dict(losses=losses, logits=logits.flatten().tolist(), words=[])
if writes:
    for options in (dict(do_sample=False), dict(do_sample=True, top_k=8, temperature=0.9), dict(num_beams=3)):
        torch.manual_seed(2)
        found["words"].append(model.generate(ids, max_new_tokens=6, **options).tolist())
with tempfile.TemporaryDirectory() as folder:
    model.save_pretrained(folder)
    again = kind.from_pretrained(folder).eval()
found["reloaded"] = torch.equal(again(**batch).logits, logits)
print(json.dumps(found))
"""

TRAINING = """
import json, sys, tempfile
import torch, transformers as T

T.logging.set_verbosity_error()
ids = torch.randint(0, 64, (40, 12), generator=torch.Generator().manual_seed(0))
data = [dict(input_ids=row, labels=row) for row in ids]
T.set_seed(7)
config = T.GPT2Config(vocab_size=64, n_positions=32, n_embd=32, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)
with tempfile.TemporaryDirectory() as folder:
    arguments = T.TrainingArguments(
        folder, per_device_train_batch_size=8, num_train_epochs=2, learning_rate=1e-3, logging_steps=2, report_to=[],
        save_strategy="epoch", eval_strategy="epoch", use_cpu=True, lr_scheduler_type="cosine", weight_decay=0.1,
        gradient_accumulation_steps=2, disable_tqdm=True, seed=7,
    )
    trainer = T.Trainer(T.GPT2LMHeadModel(config), arguments, train_dataset=data, eval_dataset=data[:16])
    trainer.train()
    again = T.Trainer(T.GPT2LMHeadModel(config), arguments, train_dataset=data, eval_dataset=data[:16])
    again.train(resume_from_checkpoint=folder + "/checkpoint-3")
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(json.dumps(losses + [trainer.evaluate()["eval_loss"], again.evaluate()["eval_loss"]]))
"""


def output(program: str, folder: Path, arguments: list[str], ours: bool):
    script = folder / "program.py"
    script.write_text(program)
    command = [sys.executable, *(["-m", "tinytensor"] if ours else []), str(script), *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@functools.cache
def peer_is_there() -> bool:
    """Whether PyTorch is there, and transformers can be imported with it."""
    command = [sys.executable, "-c", "import torch, transformers; transformers.GPT2LMHeadModel"]
    return subprocess.run(command, capture_output=True, timeout=600).returncode == 0


@pytest.mark.parametrize("name", MODELS)
def test_model(name: str, tmp_path: Path) -> None:
    found = output(PROGRAM, tmp_path, [name], ours=True)
    assert found["reloaded"] and np.isfinite(found["losses"]).all()
    if not peer_is_there():
        return
    expected = output(PROGRAM, tmp_path, [name], ours=False)
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=1e-5)
    np.testing.assert_allclose(found["logits"], expected["logits"], rtol=1e-4, atol=1e-5)
    assert found["words"] == expected["words"]


def test_trainer(tmp_path: Path) -> None:
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("accelerate is not there")
    found = output(TRAINING, tmp_path, [], ours=True)
    assert found[-1] == pytest.approx(found[-2]) and found[-1] < 4.2
    if peer_is_there():
        np.testing.assert_allclose(found, output(TRAINING, tmp_path, [], ours=False), rtol=1e-5)
