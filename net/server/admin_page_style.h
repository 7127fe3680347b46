// How the admin page looks: dark and light, from 360 px upwards. Part of admin_page.cc.
#pragma once

namespace millrace {

inline constexpr char kAdminPageStyle[] = R"css(
:root {
  color-scheme: light dark;
  --ground: #f3f6f7; --sheet: #ffffff; --line: #d5dee1; --ink: #17262b; --quiet: #56686f;
  --water: #0a7285; --water-ink: #ffffff; --wash: #0a728522;
  --good: #1c7a3e; --bad: #b3261e; --bad-wash: #b3261e14;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1619; --sheet: #162125; --line: #2b3a40; --ink: #e4edf0; --quiet: #9db0b7;
    --water: #4cc3d9; --water-ink: #06262c; --wash: #4cc3d926;
    --good: #5fcf86; --bad: #ff8a80; --bad-wash: #ff8a801c;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
h1, h2, p, dl, dd, ul, ol, figure { margin: 0; padding: 0; }
h1 { font-size: 20px; letter-spacing: -0.01em; }
h2 { font-size: 15px; margin-bottom: 10px; }
code, textarea, .mono, .log { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
header, main { max-width: 1320px; margin: 0 auto; padding: 0 16px; }
header { display: flex; flex-wrap: wrap; gap: 6px 14px; align-items: center; padding: 16px; }
header .facts { color: var(--quiet); font-size: 13px; }
main { display: grid; gap: 16px; padding-bottom: 32px; grid-template-columns: minmax(0, 1fr); }
.sheet {
  background: var(--sheet); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
  min-width: 0;
}
.pill {
  display: inline-flex; align-items: center; gap: 6px; border-radius: 99px; padding: 2px 10px;
  border: 1px solid var(--line); font-size: 13px; color: var(--quiet); white-space: nowrap;
}
.pill::before {
  content: ""; width: 8px; height: 8px; border-radius: 50%; background: currentColor;
}
.pill.good { color: var(--good); border-color: currentColor; }
.pill.bad { color: var(--bad); border-color: currentColor; }
.banner {
  border: 1px solid var(--bad); background: var(--bad-wash); border-radius: 10px;
  padding: 10px 14px; overflow-wrap: anywhere;
}
.banner strong { color: var(--bad); }
.banner ul { padding-left: 20px; }
.counters { display: grid; gap: 16px; min-width: 0; align-content: start; }
.graphs { display: grid; gap: 16px; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); }
.graphs .value { font-size: 30px; font-weight: 650; line-height: 1.15; }
.graphs figcaption { color: var(--quiet); font-size: 13px; }
.graphs .least { display: flex; justify-content: space-between; }
.value, td, .numbers { font-variant-numeric: tabular-nums; }
svg.graph { display: block; width: 100%; height: 72px; margin: 8px 0 4px; }
svg.graph .area { fill: var(--wash); }
svg.graph .line {
  fill: none; stroke: var(--water); stroke-width: 1.8; vector-effect: non-scaling-stroke;
  stroke-linejoin: round;
}
.tiles {
  display: grid; gap: 14px 12px;
  grid-template-columns: repeat(auto-fill, minmax(min(150px, 45%), 1fr));
}
.tiles.six { grid-template-columns: repeat(auto-fill, minmax(min(200px, 45%), 1fr)); }
.tiles dt { color: var(--quiet); font-size: 13px; }
.tiles dd { font-size: 19px; font-weight: 600; overflow-wrap: anywhere; }
.tiles small, .note, .hint { color: var(--quiet); font-size: 13px; font-weight: 400; }
.note { margin-top: 10px; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; margin-bottom: 2px; }
th, td { text-align: right; padding: 5px 6px; white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--quiet); font-weight: 500; font-size: 13px; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody tr { border-top: 1px solid var(--line); }
form { margin-bottom: 12px; }
label { display: block; font-size: 13px; color: var(--quiet); margin-bottom: 4px; }
.row { display: flex; flex-wrap: wrap; gap: 8px; }
.row input { flex: 1 1 180px; }
input, textarea, button {
  font-size: 15px; color: inherit; border-radius: 7px; border: 1px solid var(--line);
  padding: 8px 10px; min-height: 40px; background: var(--ground); min-width: 0;
}
button { font-family: inherit; }
textarea { width: 100%; min-height: 84px; resize: vertical; font-size: 14px; display: block; }
textarea, input { border-color: color-mix(in srgb, var(--quiet) 55%, var(--line)); }
[aria-invalid="true"] { border-color: var(--bad); }
button { cursor: pointer; background: var(--sheet); font-weight: 600; }
button.main { background: var(--water); color: var(--water-ink); border-color: var(--water); }
button:disabled { opacity: 0.45; cursor: not-allowed; }
button:not(:disabled):hover { filter: brightness(1.08); border-color: var(--water); }
:focus-visible { outline: 3px solid var(--water); outline-offset: 2px; }
.wrong { color: var(--bad); font-size: 14px; margin-top: 6px; overflow-wrap: anywhere; }
.below { display: flex; justify-content: space-between; align-items: center; gap: 8px; }
.below { margin-top: 8px; flex-wrap: wrap; }
.title { display: flex; justify-content: space-between; align-items: center; gap: 8px; }
.title { margin-bottom: 10px; }
.title h2 { margin: 0; }
.title button { min-height: 32px; padding: 2px 12px; font-size: 13px; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; margin-bottom: 12px; }
.chips button { min-height: 32px; padding: 3px 10px; font-size: 13px; overflow-wrap: anywhere; }
.log {
  list-style: none; font-size: 13px; height: 340px; overflow-y: auto; background: var(--ground);
  border: 1px solid var(--line); border-radius: 7px; padding: 4px 10px;
}
.log li { padding: 5px 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
.log li:last-child { border-bottom: 0; }
.log time { color: var(--quiet); }
.log b { color: var(--water); font-weight: 600; }
.log .text { white-space: pre-wrap; }
.log .info .text { color: var(--quiet); }
.log .error .text, .log .error b { color: var(--bad); }
@media (min-width: 1080px) {
  main { grid-template-columns: minmax(0, 7fr) minmax(0, 5fr); align-items: start; }
  main > .banner { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: no-preference) { button { transition: filter 0.12s; } }
)css";

}  // namespace millrace
