import { execFile } from 'node:child_process';
import { once } from 'node:events';
import xterm from '@xterm/headless';

/** What a terminal shows of a command that has ended. */
export interface Shown {
  code: number | null;
  /** Lines as they stand on the screen, scrolled up included; a line that was too long for it is `wrapped` into the next. */
  lines: { text: string; wrapped: boolean }[];
  /** What was sent to the terminal. */
  sent: string;
}

const CLI = new URL('../../cli/promotion.mjs', import.meta.url).pathname;
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Runs `promotion` in a pseudo-terminal of so many columns (`script` of util-linux), and shows the screen. */
export async function inTerminal(
  columns: number,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Shown> {
  const command = [process.execPath, CLI, ...args].map(quoted).join(' ');
  const child = execFile('script', ['-qec', `stty cols ${columns} rows 40; exec ${command}`, '/dev/null'], {
    env: { PATH: process.env['PATH'] ?? '', TERM: 'xterm-256color', ...env },
    maxBuffer: 50_000_000,
  });
  let sent = '';
  child.stdout?.on('data', (chunk) => (sent += chunk));
  child.stdin?.end();
  const [code] = await once(child, 'close');
  const terminal = new xterm.Terminal({
    cols: columns,
    rows: 40,
    scrollback: 10_000,
    allowProposedApi: true,
  });
  await new Promise<void>((resolve) => terminal.write(sent, resolve));
  const { active } = terminal.buffer;
  const rows = Array.from({ length: active.length }, (_, index) => active.getLine(index));
  const lines = rows.map((row, index) => ({
    text: row?.translateToString(true) ?? '',
    wrapped: rows[index + 1]?.isWrapped ?? false,
  }));
  terminal.dispose();
  return { code, lines, sent };
}
