import { createHash } from 'node:crypto';
import { html } from 'ghtml';
import { show, signed } from '../numbers.ts';
import { STYLE } from './style.ts';

/**
 * Pieces of the pages. A template escapes every value; `!${…}` takes one as it is, and is for what another template made. A page
 * has no script, loads nothing, and its policy (CSP) lets nothing else in.
 */

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** A whole page. `body` is markup. */
export const page = (title: string, body: string): string => html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="!${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="model-promotion">
<title>${title}</title>
<style>!${STYLE}</style>
</head>
<body>
<main>
!${body}
</main>
</body>
</html>
`;

/** A part of a page with its heading; empty where there is no markup. */
export const section = (id: string, title: string, markup: string): string =>
  markup === ''
    ? ''
    : html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
!${markup}
</section>`;

/** A figure as people read it, with its exact value. */
export const figure = (value: number, digits = 4): string =>
  html`<data value="${value}">${show(value, digits)}</data>`;

/** The same with a plus sign before a gain. */
export const gain = (value: number, digits = 4): string =>
  html`<data value="${value}">${signed(value, digits)}</data>`;

/** An identifier, which may be broken anywhere. */
export const code = (text: string): string => html`<code>${text}</code>`;

/** Names with what they are; `markup` where a value is none of the page's own texts. Without those that are null. */
export function pairs(all: readonly (readonly [label: string, markup: string | null])[]): string {
  const rows = all.flatMap(([label, markup]) =>
    markup === null ? [] : [html`<div><dt>${label}</dt><dd>!${markup}</dd></div>`],
  );
  return rows.length === 0 ? '' : html`<dl>!${rows}</dl>`;
}

/** A text as markup; null stays null. */
export const plain = (text: string | null): string | null => (text === null ? null : html`${text}`);

/** A table whose cells are markup. On a narrow screen each row is shown below the other, with the titles before its cells. */
export function table(
  caption: string,
  titles: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const cells = (row: readonly string[]) =>
    row.map((markup, column) =>
      column === 0
        ? html`<th scope="row" data-title="${titles[0]}"><div>!${markup}</div></th>`
        : html`<td data-title="${titles[column]}"><div>!${markup}</div></td>`,
    );
  return html`<table><caption>${caption}</caption>
<thead><tr>!${titles.map((title) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>
!${rows.map((row) => html`<tr>!${cells(row)}</tr>`)}</tbody></table>`;
}

/** What stands for a value that is not there. */
export const NONE = '<span class="none">–</span>';
