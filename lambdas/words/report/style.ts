/** The style of every page: a column for reading on any screen, light or dark as the reader has it, and on paper. */

export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--panel:#f5f6f8;--ink:#1b1f24;--faint:#57606a;--line:#c9d0d8;--good:#116329;--bad:#a40e26;--open:#6f4400;--mark:#0a4fa8;--enough:#dfeee3}
@media (prefers-color-scheme:dark){:root{--ground:#0f1318;--panel:#181e25;--ink:#e6eaef;--faint:#a2adb9;--line:#3d4753;--good:#6fd08c;--bad:#ff9a9a;--open:#e9bd6b;--mark:#8ab8ff;--enough:#1d3324}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:62rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.35rem;line-height:1.3;margin:.25rem 0 .75rem}
h2{font-size:1.1rem;margin:2rem 0 .6rem;padding-top:.5rem;border-top:1px solid var(--line)}
h3{font-size:1rem;margin:1.2rem 0 .4rem}
p{margin:.4rem 0}
a{color:var(--mark)}
.kicker,.note,figcaption,caption,.figures,.none{color:var(--faint)}
.kicker{margin:0;font-size:.9rem}
.note,.figures,figcaption,caption{font-size:.875rem}
.verdict{border:1px solid var(--line);border-left:.4rem solid var(--open);border-radius:.3rem;background:var(--panel);padding:.7rem .9rem;margin:.75rem 0}
.verdict.promote{border-left-color:var(--good)}
.verdict.keep{border-left-color:var(--faint)}
.verdict p{margin:.2rem 0}
.verdict .line{font-size:1.1rem;font-weight:600}
.tag{display:inline-block;font-size:.8125rem;font-weight:600;line-height:1.3;border:1px solid currentColor;border-radius:.25rem;padding:.05rem .4rem;white-space:nowrap}
.tag.good{color:var(--good)}.tag.bad{color:var(--bad)}.tag.open{color:var(--open)}.tag.plain{color:var(--faint)}
dl{margin:0}
dl>div{display:grid;grid-template-columns:minmax(9rem,14rem) 1fr;gap:0 1rem;padding:.25rem 0;border-bottom:1px solid var(--line)}
dl>div:last-child{border-bottom:0}
dt{color:var(--faint)}
dd{margin:0;min-width:0}
code,pre{font:.875em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
pre{background:var(--panel);border:1px solid var(--line);border-radius:.3rem;padding:.6rem .75rem;margin:.5rem 0;white-space:pre-wrap}
table{border-collapse:collapse;width:100%;font-size:.875rem;margin:.5rem 0}
caption{text-align:left;padding:.2rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;border-bottom:1px solid var(--line);min-width:5.75rem}
thead th{overflow-wrap:normal;color:var(--faint);font-weight:600;border-bottom:2px solid var(--line)}
tbody th{font-weight:600}
td:nth-child(2){min-width:10rem}
.rules{list-style:none;margin:0;padding:0}
.rules>li{padding:.6rem 0;border-bottom:1px solid var(--line);break-inside:avoid}
.head{display:flex;flex-wrap:wrap;gap:.25rem .6rem;align-items:baseline}
.head b{min-width:0}
figure{margin:0}
svg.plot{display:block;width:100%;overflow:visible}
svg text{font-size:12px;fill:var(--faint);font-family:inherit}
.axis{stroke:var(--line);stroke-width:1}
.zero{stroke:var(--faint);stroke-width:1;stroke-dasharray:2 3}
.need{stroke:var(--ink);stroke-width:2}
.needmark{fill:var(--ink)}
.enough{fill:var(--enough)}
.bar{stroke:var(--mark);stroke-width:3}
.mark{fill:var(--mark);stroke:var(--mark);stroke-width:2}
.hollow{fill:var(--ground);stroke:var(--mark);stroke-width:2.5}
.trend{stroke:var(--mark);stroke-width:2}
.series{display:flex}
.series svg{min-width:0}
.scale{flex:none;display:flex;flex-direction:column;justify-content:space-between;height:190px;padding:1rem .6rem 1.9rem 0;font-size:.75rem;color:var(--faint);text-align:right}
.key{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:.3rem 0 .6rem;padding:0;list-style:none;font-size:.875rem;color:var(--faint)}
.key li{display:flex;align-items:center;gap:.4rem}
.key svg{width:28px;height:16px;flex:none;overflow:visible}
details{border:1px solid var(--line);border-radius:.3rem;padding:.4rem .75rem;margin:.4rem 0}
summary{cursor:pointer;font-weight:600}
nav ul{padding-left:1.1rem;margin:.4rem 0}
@media screen and (max-width:50rem){
dl>div{grid-template-columns:1fr}
table,caption,tbody,tr,th,td{display:block}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tbody tr{border:1px solid var(--line);border-radius:.3rem;padding:.3rem .6rem;margin:.5rem 0}
tbody th,tbody tr>td{min-width:0;display:grid;grid-template-columns:7.5rem 1fr;gap:0 .6rem;border:0;padding:.15rem 0}
tbody th::before,tbody td::before{content:attr(data-title);color:var(--faint);font-weight:400}
}
@media print{
:root{color-scheme:light;--ground:#fff;--panel:#fff;--ink:#000;--faint:#444;--line:#999;--good:#0b4a1e;--bad:#7d0a1c;--open:#553400;--mark:#06397c;--enough:#e8e8e8}
body{font-size:10.5pt}
th,td,td:nth-child(2){min-width:0}
th:not(:last-child),td:not(:last-child){overflow-wrap:anywhere}
main{max-width:none;padding:0}
h2{break-after:avoid}
caption,thead{break-after:avoid}
tr,pre,details,.verdict,dl>div{break-inside:avoid}
.enough{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details:not([open])::details-content{content-visibility:visible;block-size:auto}
}
`;
