import gguf

from charter.stages.base_models import _parsed_once


def test_names_are_mapped_once_and_the_library_is_left_as_it_was() -> None:
    before = gguf.GGUFReader, gguf.get_tensor_name_map
    with _parsed_once():
        first = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2)
        assert gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2) is first
    assert (gguf.GGUFReader, gguf.get_tensor_name_map) == before
    assert gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 2) is not first
