"""The plain pipeline behind MLServer: a runtime that tags the texts of an inference request."""

import json
import os
from pathlib import Path

from mlserver import MLModel
from mlserver.codecs import StringCodec
from mlserver.types import InferenceRequest, InferenceResponse

from training.bench.plain import PlainTagger


class PlainRuntime(MLModel):
    """Loads the current model of the folder that `OTKLIK_MODELS` names."""

    async def load(self) -> bool:
        """Load the pipeline, once a process."""
        self._tagger = PlainTagger(Path(os.environ["OTKLIK_MODELS"]))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Category, aspect and polarity of each tag, as JSON texts."""
        texts = [str(text) for text in StringCodec.decode_input(payload.inputs[0])]
        tags = [
            json.dumps([[label.category, label.aspect, label.polarity] for label in guess.labels])
            for guess in self._tagger.tag(texts)
        ]
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("tags", tags)])
