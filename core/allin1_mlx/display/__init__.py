"""What a person sees and hears of a result: pictures, the timeline, the click, times as text."""
