/** The page's style sheet: system fonts, one column, light and dark. Colors are named by what they mean. */
export const reportStyle: string = `
:root {
  color-scheme: light dark;
  --paper: #fffefb; --ink: #1c1b19; --quiet: #6f6b64; --hair: #dedad1; --raw: #a39d92; --wash: #f5f2ea;
  --drift: #b3261e; --growth: #2b7a3d;
  --domain-0: #1f66ad; --domain-1: #a85400; --domain-2: #7a3a94; --domain-3: #00787c; --domain-4: #8a6a00; --domain-5: #9c2f63;
  --band: 0.055;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161614; --ink: #e9e6df; --quiet: #9b968c; --hair: #35332f; --raw: #7d796f; --wash: #201f1c;
    --drift: #ff8a7a; --growth: #7fcf8d;
    --domain-0: #7db7f0; --domain-1: #f0a765; --domain-2: #cfa0e6; --domain-3: #66cccc; --domain-4: #d9bd5a; --domain-5: #f08cb8;
    --band: 0.085;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); -webkit-text-size-adjust: 100%; }
body {
  max-width: 1008px; margin: 0 auto; padding: 48px 24px 72px; color: var(--ink);
  font: 17px/1.55 Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", ui-serif, Georgia, serif;
  font-variant-numeric: lining-nums tabular-nums; overflow-wrap: break-word;
}
h1 { font-size: 34px; line-height: 1.2; font-weight: 500; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 21px; line-height: 1.3; font-weight: 500; margin: 52px 0 4px; }
p { max-width: 40em; margin: 0 0 12px; }
.dateline, .note, figcaption, th, .chart text, dt { color: var(--quiet); }
.dateline { margin: 4px 0 20px; }
.lead { font-size: 20px; line-height: 1.5; max-width: 38em; }
.note { font-size: 15px; }
.scroll { overflow-x: auto; }
.chart { display: block; width: 100%; min-width: 640px; height: auto; margin: 10px 0 4px; overflow: visible; }
.chart text, table, dl, .dateline, .note, figcaption { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
.chart text { font-size: 12px; fill: var(--quiet); }
.chart .end { text-anchor: end; } .chart .middle { text-anchor: middle; }
.chart path { fill: none; }
.grid { stroke: var(--hair); stroke-width: 0.6; } .axis { stroke: var(--quiet); stroke-width: 0.6; }
.band { opacity: var(--band); }
.line { stroke-width: 1.6; stroke-linejoin: round; stroke-linecap: round; }
.line.faint { stroke-width: 0.7; opacity: 0.75; }
.marker { stroke-width: 0.8; } .leader { stroke-width: 0.6; opacity: 0.6; }
${tones()}
table { border-collapse: collapse; font-size: 14px; line-height: 1.4; margin: 12px 0 8px; min-width: 50%; }
th { font-weight: 400; text-align: left; vertical-align: bottom; border-bottom: 1px solid var(--hair); }
th, td { padding: 5px 24px 5px 0; vertical-align: top; } th:last-child, td:last-child { padding-right: 0; }
tr + tr td { border-top: 1px solid var(--hair); }
.number { text-align: right; white-space: nowrap; } .nowrap { white-space: nowrap; } .wide { width: 100%; }
.own { font-weight: 600; } .worse { color: var(--drift); } .better { color: var(--growth); } .absent { color: var(--quiet); }
.pair { display: flex; flex-wrap: wrap; gap: 8px 64px; } .pair > * { flex: 1 1 300px; }
.pair h3, h3 { font-size: 15px; font-weight: 600; margin: 22px 0 0; }
figure { margin: 18px 0 24px; }
figcaption { font-size: 14px; margin-bottom: 6px; }
pre, code { font-family: ui-monospace, "SF Mono", SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 13px; line-height: 1.5; }
pre { margin: 0; padding: 12px 16px; background: var(--wash); white-space: pre-wrap; overflow-wrap: anywhere; max-height: 26em; overflow-y: auto; unicode-bidi: isolate; }
pre .prompt { color: var(--quiet); }
.digest { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 20px; font-size: 14px; line-height: 1.45; margin: 12px 0; }
dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { padding: 0; } h2, figure, .chart, tr { break-inside: avoid; } pre { max-height: none; } }
`

function tones(): string {
  const names = ['ink', 'quiet', 'drift', 'growth', ...Array.from({ length: 6 }, (_, i) => `domain-${i}`)]
  const rules = names.map(
    (name) => `.line-${name} { stroke: var(--${name}); } .chart .fill-${name} { fill: var(--${name}); }`,
  )
  return `${rules.join('\n')}\n.faint.line-quiet { stroke: var(--raw); }`
}
