"""A step that needs more memory than the executor's tasks have."""

import random

from service import SUCCEEDED, Case, jobs_api, runs_api, steps


class Hungry(Case):
    def test_what_did_not_fit_is_cut_smaller_until_it_does(self):
        models = jobs_api.ModelNames(names=["testing.hungry"])
        run = self.caller.ended(self.caller.submit(models=models, parameters={"rows_min": random.random()}).id)
        self.assertEqual(run.state, SUCCEEDED, run.reason)
        first, *more = steps(run)["testing.hungry"].attempts
        self.assertEqual(first.failure, runs_api.FAILURE_KIND_MEMORY)
        self.assertIn("ResourcesExhausted", first.reason)
        self.assertLess(0, len(more))
        self.assertEqual(more[-1].failure, runs_api.FAILURE_KIND_UNSPECIFIED)
