/**
 * The report as one page: no script, nothing loaded from elsewhere, and every word of a scenario escaped. Links lead to
 * what was collected, relative to the page.
 */
import { plainText } from '../base/plain-text.js'
import { escapeXml } from '../base/xml.js'
import type { ScenarioReport, SuiteReport, TestReport } from './report-types.js'

export function renderReport({ suite, scenarios }: SuiteReport): string {
  const tests = scenarios.flatMap((scenario) => scenario.tests)
  const seconds = scenarios.reduce((sum, scenario) => sum + scenario.seconds, 0)
  const bad = scenarios.filter(({ outcome }) => outcome !== 'passed').length
  const verdict = bad === 0 ? 'passed' : 'failed'
  const title = `${text(suite === '' ? 'Suite' : suite)}: ${bad === 0 ? 'all scenarios passed' : `${bad} of ${scenarios.length} scenarios failed`}`
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header class="${verdict}">
<h1>${title}</h1>
<p>${countOf(tests)} in ${duration(seconds)}${begun(scenarios[0])}</p>
</header>
<main>
<nav aria-label="Scenarios">
<table>
<caption>Scenarios, in their order</caption>
<thead><tr><th scope="col">Scenario</th><th scope="col" class="result">Result</th><th scope="col" class="tests">Tests</th><th scope="col" class="time">Time</th></tr></thead>
<tbody>
${scenarios.map(overviewRow).join('\n')}
</tbody>
</table>
</nav>
${scenarios.map(section).join('\n')}
</main>
</body>
</html>
`
}

const STYLE = `
:root { color-scheme: light dark; --back: #fff; --card: #f6f7f9; --text: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --link: #0b5cad; --good: #11652f; --bad: #b42318; --skip: #7a4d00; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --card: #1d2126; --text: #e6e9ed; --soft: #a3adb8;
  --line: #363c44; --link: #7db8f5; --good: #6fd08c; --bad: #ff9a8d; --skip: #e5b567; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header { border-left: .4rem solid; padding-left: 1rem; }
header.passed { border-color: var(--good); } header.failed { border-color: var(--bad); }
h1 { margin: 0; font-size: 1.5rem; line-height: 1.25; } header p { margin: .25rem 0 0; color: var(--soft); }
h2 { margin: 0; font-size: 1.15rem; }
a { color: var(--link); } a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; } caption { text-align: left; color: var(--soft); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-top: 1px solid var(--line); }
thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: .875rem; }
tbody th { font-weight: 400; } .time { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
nav { margin: 1.5rem 0; } section { margin: 1.5rem 0; padding: 1rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .5rem; } section > p { margin: .25rem 0 .75rem; color: var(--soft); }
.result { font-weight: 600; white-space: nowrap; } .result.passed { color: var(--good); }
.result.failed, .result.error, .result.hung { color: var(--bad); } .result.skipped { color: var(--skip); }
@media (min-width: 48rem) { table { table-layout: fixed; } thead .result { width: 9.5rem; } thead .time { width: 7rem; }
  thead .tests { width: 17rem; } }
.message { margin: .25rem 0 0; color: var(--soft); } .logs { margin: .25rem 0 0; } details { margin: .25rem 0 0; }
summary { cursor: pointer; color: var(--soft); }
pre { margin: .5rem 0 0; padding: .75rem; max-height: 24rem; overflow: auto; background: var(--back); border: 1px solid var(--line);
  border-radius: .25rem; font-size: .8125rem; line-height: 1.4; white-space: pre-wrap; }
@media (max-width: 36rem) { th, td { padding: .35rem .3rem; } section { padding: .6rem; } }
@media print { section { break-inside: avoid; } pre { max-height: none; } }
`

const MARKS: Readonly<Record<string, string>> = {
  passed: '✓ passed',
  failed: '✗ failed',
  error: '✗ error',
  hung: '✗ did not end',
  skipped: '– skipped',
}

function overviewRow(scenario: ScenarioReport, index: number): string {
  const { name, outcome, tests, seconds } = scenario
  return `<tr><th scope="row"><a href="#scenario-${index + 1}">${text(name)}</a></th><td class="result ${outcome}">${mark(outcome)}</td><td>${countOf(tests)}</td><td class="time">${duration(seconds)}</td></tr>`
}

function section(scenario: ScenarioReport, index: number): string {
  const { name, outcome, startedAt, seconds, resultFile, logs, tests } = scenario
  const links = [
    link(resultFile, 'result file'),
    ...(logs === undefined ? [] : [link(`${logs}/`, 'logs collected after it')]),
  ]
  return `<section aria-labelledby="scenario-${index + 1}">
<h2 id="scenario-${index + 1}">${text(name)} <span class="result ${outcome}">${mark(outcome)}</span></h2>
<p><time datetime="${text(startedAt)}">${clock(startedAt)}</time>, ${duration(seconds)}; ${links.join(', ')}</p>
${tests.length === 0 ? '<p>There is no test in it.</p>' : testTable(tests)}
</section>`
}

function testTable(tests: readonly TestReport[]): string {
  return `<table>
<thead><tr><th scope="col">Test</th><th scope="col" class="result">Result</th><th scope="col" class="time">Time</th></tr></thead>
<tbody>
${tests.map(testRow).join('\n')}
</tbody>
</table>`
}

function testRow({ name, outcome, seconds, message, details, logs }: TestReport): string {
  const told = message === undefined || message === '' ? '' : `<p class="message">${text(message)}</p>`
  const collected = logs === undefined ? '' : `<p class="logs">${link(`${logs}/`, 'logs of the VMs')}</p>`
  const more =
    details === undefined
      ? ''
      : `<details><summary>What the runner tells</summary><pre tabindex="0">${text(details)}</pre></details>`
  return `<tr><th scope="row">${text(name)}${told}${collected}${more}</th><td class="result ${outcome}">${mark(outcome)}</td><td class="time">${duration(seconds)}</td></tr>`
}

function mark(outcome: string): string {
  return MARKS[outcome] ?? text(outcome)
}

function countOf(tests: readonly TestReport[]): string {
  const bad = tests.filter(({ outcome }) => outcome === 'failed' || outcome === 'error').length
  const skipped = tests.filter(({ outcome }) => outcome === 'skipped').length
  const parts = [...(bad > 0 ? [`${bad} failed`] : []), ...(skipped > 0 ? [`${skipped} skipped`] : [])]
  return [`${tests.length} ${tests.length === 1 ? 'test' : 'tests'}`, ...parts].join(', ')
}

function begun(first: ScenarioReport | undefined): string {
  return first === undefined
    ? ''
    : `, from <time datetime="${text(first.startedAt)}">${clock(first.startedAt)}</time> on`
}

/** `2026-01-31 12:00:00 UTC`. */
function clock(time: string): string {
  return text(time.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC'))
}

/** `1:02:03`, `2:03 min`, `3.4 s`. */
function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (number: number): string => String(number).padStart(2, '0')
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)} h` : `${minutes}:${two(whole % 60)} min`
}

/** Each part of the path escaped, so that a name is neither a scheme nor a query. */
function link(relativePath: string, label: string): string {
  const href = relativePath
    .split('/')
    .map((part) => encodeURIComponent(part.replace(/[\ud800-\udfff]/gu, '\ufffd')))
    .join('/')
  return `<a href="${text(href.startsWith('.') ? href : `./${href}`)}">${label}</a>`
}

/** Without what turns the writing direction round, and what a page cannot carry. */
function text(raw: string): string {
  return escapeXml(plainText(raw).replace(/[\ud800-\udfff\ufffe\uffff]/gu, '\ufffd')).replaceAll('&#10;', '\n')
}
