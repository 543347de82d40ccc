"""The array types of the calculations."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Votes: TypeAlias = npt.NDArray[np.int8]
Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
