// What keys and buttons do, by the names of keys.js.

// desk: has sheet, player, practice, view, moves, editing, tools and help. Without a song an action
// returns false, and the key keeps its usual meaning.
export function makeActions(desk) {
  const { player, practice, view, moves, editing, help } = desk;
  const act = (action) => () => {
    if (!desk.sheet) return false;
    action();
    return true;
  };
  const step = (times, direction) => act(() => moves.step(times(), direction));
  const beats = () => desk.sheet.beats;
  const bars = () => desk.sheet.downbeats;
  const sections = () => desk.sheet.sections.map((section) => section.start);
  return {
    play: act(() => player.toggle()),
    beatBack: step(beats, -1),
    beatOn: step(beats, 1),
    barBack: step(bars, -1),
    barOn: step(bars, 1),
    sectionBack: step(sections, -1),
    sectionOn: step(sections, 1),
    start: act(() => moves.jump(0)),
    end: act(() => moves.jump(desk.sheet.duration)),
    loop: act(() => moves.toggleLoop()),
    loopStart: act(() => moves.setLoopEdge(0)),
    loopEnd: act(() => moves.setLoopEdge(1)),
    slower: act(() => practice.changeSpeed(-1)),
    faster: act(() => practice.changeSpeed(1)),
    fullSpeed: act(() => practice.setSpeed(100)),
    countIn: act(() => practice.nextCountIn()),
    settings: act(() => desk.toggleSettings()),
    click: act(() => player.setLevel("click", { on: !player.levels.click.on })),
    follow: act(() => moves.toggleFollow()),
    zoomIn: act(() => view.zoom(0.5)),
    zoomOut: act(() => view.zoom(2)),
    zoomAll: act(() => view.reset()),
    zoomSection: act(() => moves.zoomToSection()),
    zoomLoop: act(() => moves.zoomToLoop()),
    correct: act(() => editing.togglePanel()),
    rename: act(() => desk.tools.openAt(desk.sectionMeant)),
    deselect: () => desk.sheet !== null && view.selected >= 0 && !view.select(-1),
    earlier: () => desk.sheet !== null && editing.nudge(-10),
    later: () => desk.sheet !== null && editing.nudge(10),
    littleEarlier: () => desk.sheet !== null && editing.nudge(-1),
    littleLater: () => desk.sheet !== null && editing.nudge(1),
    tap: () => desk.sheet !== null && editing.tap(),
    help: act(() => help.showModal()),
  };
}
