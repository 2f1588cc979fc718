"""Which method of synthesis goes with a teacher."""

from charter.project.params import Params
from charter.synthesis.direct_method import DirectMethod
from charter.synthesis.method import Method
from charter.synthesis.rules_method import RulesMethod


def choose_method(params: Params) -> type[Method]:
    """Return the method that params.yaml asks for; ``auto`` goes by the teacher."""
    name = params.synthesize.method
    if name == "auto":
        name = "rules" if params.base_models.teacher.artifact else "direct"
    return {"direct": DirectMethod, "rules": RulesMethod}[name]
