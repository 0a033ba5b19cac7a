"""How a comparison in HTML looks: calm, light or dark as the reader's system is, readable on paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fcfbf9; --panel: #f4f2ee; --line: #e2ded7; --text: #23211e; --quiet: #6f6a62; --faint: #a39d93;
  --ember: #c2410c; --good: #1a7f4b; --bad: #b42318;
  --gone: #fbe3da; --gone-text: #8a2c0d; --new: #dcefe3; --new-text: #14593a; --hint: #fdf3e7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #191817; --panel: #211f1d; --line: #35322e; --text: #e6e2dc; --quiet: #a09a90; --faint: #6e6960;
    --ember: #f0824a; --good: #62c493; --bad: #f08a7e;
    --gone: #43241a; --gone-text: #f6b79b; --new: #173526; --new-text: #9edcba; --hint: #2b231b;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4rem; }
body {
  margin: 0 auto; padding: 2rem 2rem 6rem; max-width: 96rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.05rem; font-weight: 600; margin: 0 0 1.2rem; color: var(--ember); letter-spacing: .01em; }
h2 { font-size: .8rem; font-weight: 600; margin: 2.4rem 0 .6rem; color: var(--quiet); text-transform: uppercase;
  letter-spacing: .06em; }
a { color: var(--ember); text-decoration: none; }
a:hover, a:focus { text-decoration: underline; }
code, .mono { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; font-size: .88em; }
.quiet { color: var(--quiet); }
.good { color: var(--good); } .bad { color: var(--bad); }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem; }
.side { border-top: 2px solid var(--line); padding-top: .6rem; min-width: 0; overflow-wrap: anywhere; }
.side .status { font-weight: 600; }
.verdict { margin: 1.6rem 0 0; padding: .9rem 1.1rem; border-left: 3px solid var(--ember); background: var(--hint); }
.verdict p { margin: .2rem 0; overflow-wrap: anywhere; }
.verdict ul { margin: .2rem 0 .2rem 1.2rem; padding: 0; }
table { border-collapse: collapse; }
.numbers td, .numbers th, .rules td { padding: .15rem 1.6rem .15rem 0; text-align: left; vertical-align: top;
  font-weight: normal; }
.numbers td.n { text-align: right; font-variant-numeric: tabular-nums; }
.numbers tr.same { color: var(--faint); }
.rows { border-top: 1px solid var(--line); }
.heads { position: sticky; top: 0; z-index: 1; background: var(--ground); border-bottom: 1px solid var(--line);
  font-size: .85rem; }
.row, .heads { display: grid; grid-template-columns: 1.4rem minmax(0, 1fr) minmax(0, 1fr); gap: 0 1rem; }
.row { padding: .2rem .4rem; border-bottom: 1px solid transparent; }
.heads { padding: .5rem .4rem; }
.row.equal { color: var(--faint); }
.row.differs { background: var(--panel); border-bottom-color: var(--line); }
.row.first { box-shadow: inset 3px 0 0 var(--ember); }
.row:target { outline: 2px solid var(--ember); outline-offset: -2px; }
.mark { color: var(--ember); font-weight: 600; text-align: center; }
.cell { overflow-wrap: anywhere; white-space: pre-wrap; }
.cell .no { color: var(--faint); display: inline-block; min-width: 2.4rem; font-variant-numeric: tabular-nums; }
.cell .kind { color: var(--quiet); display: inline-block; min-width: 4.6rem; }
.gap { color: var(--faint); }
del { background: var(--gone); color: var(--gone-text); text-decoration: underline dotted;
  text-underline-offset: 3px; }
ins { background: var(--new); color: var(--new-text); text-decoration: underline; text-underline-offset: 2px; }
.more { grid-column: 2 / 4; margin: .2rem 0 .4rem 2.4rem; font-size: .9rem; }
.more table td { padding: .05rem 1rem .05rem 0; vertical-align: top; overflow-wrap: anywhere; }
.more .path { color: var(--quiet); white-space: nowrap; }
.more ul { margin: .2rem 0; padding-left: 1.1rem; }
.next { display: block; font-size: .8rem; font-weight: normal; }
details > summary { cursor: pointer; color: var(--quiet); padding: .25rem .4rem .25rem 2rem; font-size: .9rem; }
.shots { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; margin: .6rem 0; }
.shot { position: relative; margin: 0; }
.shot img { display: block; width: 100%; border: 1px solid var(--line); }
.shot .box { position: absolute; border: 2px solid var(--ember); }
.empty { border: 1px dashed var(--line); color: var(--faint); padding: 1rem; text-align: center; }
footer { margin-top: 3rem; color: var(--faint); font-size: .85rem; }
@media (max-width: 50rem) { body { padding: 1rem; } .sides, .shots { grid-template-columns: 1fr; } }
@media print {
  body { max-width: none; padding: 0; } .heads { position: static; } .row { break-inside: avoid; }
  .next { display: none; }
}
"""
