"""Settings and operations that layers and users' code share (Keras 2: ``keras.backend``)."""

from graphc.keras.backend.maths import *  # noqa: F403
from graphc.keras.backend.recurrence import *  # noqa: F403
from graphc.keras.backend.settings import *  # noqa: F403
from graphc.keras.backend.windows import *  # noqa: F403
