"""What a run says about itself before it starts."""

from __future__ import annotations

import pytest

from nmt.training.announcement import crowd_of


@pytest.mark.parametrize(("threads", "wanted", "said"), [(2, 13.7, True), (1, 13.7, False), (2, 4.0, False)])
def test_several_threads_on_cores_that_others_use_are_advised_against(threads, wanted, said):
    assert bool(crowd_of(threads, wanted, 2)) == said
    assert not said or "a load of 13.7 on 2" in crowd_of(threads, wanted, 2)
