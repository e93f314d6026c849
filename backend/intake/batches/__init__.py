"""What became of batches that partners sent as one request.

Holds    nothing of its own: a batch is a job of one chunk, and its events are that job's lines.
Promises a partner sees its own batches only; an event that waited is told as what was decided of it.
Ignores  how a batch is taken in: that is `intake.take`.
"""

from backend.intake.batches.service import Batch, BatchUnknown, LaterAnswer, batch_of, later_answers

__all__ = ["Batch", "BatchUnknown", "LaterAnswer", "batch_of", "later_answers"]
