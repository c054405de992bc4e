"""One public function per graph node; each puts the rooms below together and can be killed and run again.

A stage knows no Cylc: `hydra_core.cli` and `tasks/` tell it the run and pass its outputs on.
"""
