"""Times are written as people read them."""

from allin1_mlx.display.times import clock_time, write_time


def test_times_are_written_as_musicians_do() -> None:
    assert write_time(83.456) == "1:23.46"
    assert write_time(59.999) == "1:00.00"
    assert write_time(3601.0) == "1:00:01.00"


def test_times_in_messages_have_tenths_and_hours() -> None:
    assert clock_time(7.84) == "0:07.8"
    assert clock_time(59.96) == "1:00.0"
    assert clock_time(3723.5) == "1:02:03.5"
