"""Objects that training calls at its begin and end, and those of epochs and batches."""

from graphc.keras.callbacks.callback import Callback, LambdaCallback
from graphc.keras.callbacks.control import (
    BackupAndRestore,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from graphc.keras.callbacks.logs import BaseLogger, CSVLogger, History, ProgbarLogger, RemoteMonitor
from graphc.keras.callbacks.row import CallbackList

__all__ = [
    "BackupAndRestore", "BaseLogger", "CSVLogger", "Callback", "CallbackList", "EarlyStopping",
    "History", "LambdaCallback", "LearningRateScheduler", "ModelCheckpoint", "ProgbarLogger",
    "ReduceLROnPlateau", "RemoteMonitor", "TensorBoard", "TerminateOnNaN",
]  # fmt: skip
