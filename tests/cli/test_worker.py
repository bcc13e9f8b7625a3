"""No kind of job can keep another from running."""

from __future__ import annotations

from procrastinate.contrib.django import app

from nostro.cli.worker import LANES, _concurrency


def test_every_queue_is_in_exactly_one_lane() -> None:
    queues = [queue for lane, _share in LANES.values() for queue in lane]
    assert len(queues) == len(set(queues))
    assert {task.queue for task in app.tasks.values()} <= set(queues)


def test_books_wait_for_the_hub_in_a_lane_of_their_own() -> None:
    lane_of = {queue: lane for lane, (queues, _share) in LANES.items() for queue in queues}
    fetch, run = app.tasks["books.fetch_account"], app.tasks["sync.run_synchronization"]
    assert lane_of[fetch.queue] != lane_of[run.queue]


def test_every_lane_has_a_thread_even_in_the_smallest_worker() -> None:
    assert all(_concurrency(lane, 1) == 1 for lane in LANES)
