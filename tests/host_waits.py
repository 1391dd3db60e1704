"""How often the host would wait for a GPU, counted on a machine that has none.

The host asks a GPU for one operation after the other and runs ahead of it, until it needs to know
a number that is computed there, or a shape that depends on one: then it waits until all that was
asked for is done, and the GPU is idle while the host asks for more.

``HostWaits`` takes every tensor of a processor for one of a GPU and counts the operations that
would wait. What it cannot tell apart are the two ways of a copy between host and GPU; therefore
``Card`` pretends a second device, on which tensors are apart from those of the host as they are on
a GPU, and counts the copies too.

Counted: reading a number (``item``, ``float``, ``bool``, ``int``, ``tolist``, ``numpy``, ``if``),
results whose shape depends on numbers (``nonzero``, ``unique``, ``masked_select``, indexing by a
boolean mask, ``repeat_interleave`` by a tensor), comparing whole tensors (``equal``, ``allclose``),
``multinomial``; on a ``Card`` also every copy to the host, and those to the card that do not say
``non_blocking``. Not counted: what an operation may do inside of itself for want of memory or on
some versions of CUDA; on a GPU ``torch.cuda.set_sync_debug_mode("warn")`` tells.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter, tree_map_only

PACKAGE = str(Path(__file__).parent.parent / "seq2seq")
WAITING = {
    "_local_scalar_dense", "_unique", "_unique2", "allclose", "bincount", "equal", "is_nonzero",
    "item", "masked_select", "multinomial", "nonzero", "unique_consecutive", "unique_dim",
    "unique_dim_consecutive",
}  # fmt: skip
INDEXING = {"_index_put_impl_", "_unsafe_index", "index", "index_put", "index_put_"}
READING = [Tensor.tolist, Tensor.numpy, Tensor.__array__, Tensor.cpu]
CARD = "card"


class HostWaits:
    """Counts inside a ``with`` block what would make the host wait.

    Attributes:
        waits: One line for each, the operation and the line of the package that asked for it.
        made_on_host: The same for tensors made of Python's numbers. Each has to be copied to a
            GPU, which is a wait unless it is done with ``non_blocking``.
    """

    def __init__(self) -> None:
        self.waits: list[str] = []
        self.made_on_host: list[str] = []
        self._modes = ExitStack()

    def __enter__(self) -> Self:
        self._modes.enter_context(_Reads(self))
        self._modes.enter_context(_Operations(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._modes.close()

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Note what an operation makes the host do, and run it."""
        if waits_for_numbers(func, args, kwargs):
            self.waits.append(f"{func}, {asked_by()}")
        if func is torch.ops.aten.lift_fresh.default:
            self.made_on_host.append(f"torch.tensor, {asked_by()}")
        return func(*args, **kwargs)

    def read(self, func: Callable[..., Any]) -> None:
        """Note what reads a tensor of a processor without any operation."""
        self.waits.append(f"{func.__name__}, {asked_by()}")


class _Operations(TorchDispatchMode):
    """Hands every operation to the counter, one that consists of others in its parts."""

    def __init__(self, counter: HostWaits) -> None:
        super().__init__()
        self._counter = counter

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        with self, torch._C.DisableTorchFunction():  # whole in inference mode only
            parts = func.decompose(*args, **kwargs)
        return self._counter.run(func, args, kwargs) if parts is NotImplemented else parts


class _Reads(TorchFunctionMode):
    """Hands what reads a tensor to the counter."""

    def __init__(self, counter: HostWaits) -> None:
        super().__init__()
        self._counter = counter

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in READING:
            self._counter.read(func)
        return func(*args, **(kwargs or {}))


def waits_for_numbers(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a GPU's operation needs to know numbers that are computed there."""
    name = func.overloadpacket.__name__
    if name == "repeat_interleave":
        return func._overloadname != "self_int" and kwargs.get("output_size") is None
    if name in INDEXING:
        masked = any(one is not None and one.dtype in (torch.bool, torch.uint8) for one in args[1])
        # One number under a mask is a masked_fill.
        return masked and not (len(args) > 2 and args[2].numel() == 1)
    return name in WAITING


def asked_by() -> str:
    """File and line of the innermost frame in the package, or of a test where none is."""
    frame, test = sys._getframe(1), "?"
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(PACKAGE):
            return f"{Path(name).relative_to(PACKAGE).as_posix()}:{frame.f_lineno}"
        if test == "?" and "/tests/" in name and name != __file__:
            test = f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return test


class CardTensor(Tensor):
    """A tensor of the pretended device; its numbers lie in the memory of the host."""

    numbers: Tensor

    @staticmethod
    def __new__(cls, numbers: Tensor) -> "CardTensor":
        made: CardTensor = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, numbers.shape, strides=numbers.stride(), storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype, device=torch.device(CARD, 0),
        )  # fmt: skip
        made.numbers = numbers
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"on the card: {self.numbers!r}"

    def tolist(self) -> Any:
        """As on any device: through a copy on the host."""
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return compute(func, args, dict(kwargs or {}))


class Card(HostWaits):
    """A pretended device, named ``card``, inside a ``with`` block; see the module's docstring.

    Modules and tensors are moved there with ``to("card")`` inside the block. What mixes tensors of
    the card with those of the host is refused as on a GPU.
    """

    def __enter__(self) -> Self:
        register()
        lifting, swapping = torch._C._set_only_lift_cpu_tensors, torch.__future__
        self._modes.callback(lifting, torch._C._only_lift_cpu_tensors())
        self._modes.callback(
            swapping.set_swap_module_params_on_conversion,
            swapping.get_swap_module_params_on_conversion(),
        )
        lifting(True)
        swapping.set_swap_module_params_on_conversion(True)
        return super().__enter__()

    def read(self, func: Callable[..., Any]) -> None:
        """Nothing: a tensor of the card is copied first, and one of the host is at hand."""

    def run(self, func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Note what an operation makes the host do, and run it where its tensors are."""
        given = [one for one in tree_iter((args, kwargs)) if isinstance(one, Tensor)]
        on_card = [one for one in given if isinstance(one, CardTensor)]
        if on_card and waits_for_numbers(func, args, kwargs):
            self.waits.append(f"{func}, {asked_by()}")
        if is_copy(func, given, on_card, args, kwargs):
            self.waits.append(f"copy by {func}, {asked_by()}")
        return compute(func, args, kwargs)


def is_copy(
    func: Any,
    given: Sequence[Tensor],
    on_card: Sequence[Tensor],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> bool:
    """Whether numbers cross between host and card while the host waits."""
    name, later = func.overloadpacket.__name__, kwargs.get("non_blocking", False)
    if name == "copy_":
        to, origin = args[0], args[1]
        later = later or (len(args) > 2 and args[2])
        if isinstance(to, CardTensor) == isinstance(origin, CardTensor):
            return False
        return not (isinstance(to, CardTensor) and later)
    target = kwargs.get("device")
    if target is not None and given and (torch.device(target).type == CARD) != bool(on_card):
        return bool(on_card) or not later  # what comes back is read at once
    # An index that lies on the host is copied.
    return name in INDEXING and bool(on_card) and len(on_card) < len(given)


def compute(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operation on the numbers of its tensors."""
    given = [one for one in tree_iter((args, kwargs)) if isinstance(one, Tensor)]
    on_card = [one for one in given if isinstance(one, CardTensor)]
    target = kwargs.get("device")
    here = bool(on_card) if target is None else torch.device(target).type == CARD
    name = func.overloadpacket.__name__
    if on_card and name not in {"copy_", *INDEXING}:
        apart = [one for one in given if not isinstance(one, CardTensor) and one.dim()]
        assert not apart, f"{func}: tensors of the card and of the host, {asked_by()}"
    args, kwargs = tree_map_only(CardTensor, lambda one: one.numbers, (args, kwargs))
    if target is not None:
        kwargs["device"] = torch.device("cpu")
    # Outside of inference mode: views of weights are made of ordinary tensors there.
    with torch.inference_mode(False), torch.no_grad():
        result = func(*args, **kwargs)
        if not here:
            return result
        known = {id(one.numbers): one for one in on_card}
        return tree_map_only(
            Tensor, lambda one: known[id(one)] if id(one) in known else CardTensor(one), result
        )


def register() -> None:
    """Let torch know of the device, once in a process.

    Torch then takes it for the accelerator of the machine and asks it for its random state.
    """
    if hasattr(torch, CARD):
        return
    torch.utils.rename_privateuse1_backend(CARD)
    module: Any = ModuleType(CARD)
    answers: dict[str, Callable[..., Any]] = {
        "_lazy_init": lambda: None,
        "_is_in_bad_fork": lambda: False,
        "is_initialized": lambda: True,
        "is_available": lambda: True,
        "current_device": lambda: 0,
        "device_count": lambda: 1,
        "manual_seed_all": lambda seed: None,
        "get_rng_state": lambda device: torch.empty(0),
        "set_rng_state": lambda state, device: None,
        "get_amp_supported_dtype": lambda: [torch.bfloat16, torch.float16],
    }
    for name, answer in answers.items():
        setattr(module, name, answer)
    torch._register_device_module(CARD, module)
    backend: Any = torch._C._acc  # type: ignore[attr-defined]

    class Guard(backend.DeviceGuard):
        def type_(self) -> Any:
            return torch._C._autograd.DeviceType.PrivateUse1

    register.guard = Guard()  # type: ignore[attr-defined]  # as long as the process
    backend.register_python_privateuseone_device_guard(register.guard)  # type: ignore[attr-defined]
