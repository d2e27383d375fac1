"""The server starts Gradio without rewriting the type stubs in its folder."""

import subprocess
import sys

PROGRAM = """
import sys
from allin1_mlx_ui.type_stubs import skip_type_stubs

before = list(sys.meta_path)
skip_type_stubs()
skip_type_stubs()
import gradio

assert sys.meta_path == before
assert vars(sys.modules["gradio.component_meta"])["create_or_modify_pyi"](0, 0, 0) is None
print(callable(gradio.Button.click))
"""


def test_gradio_works_without_its_type_stubs():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr
