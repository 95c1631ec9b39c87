import { Tokenizer, TokenizerError, TokenParser, TokenParserError, TokenType } from '@streamparser/json';
import { RowsStop } from '../../domain/rows/problems.ts';
import type { Sink } from './sink.ts';

/** Limits of one document: levels of brackets, tokens of one row (two for each cell), characters of one text. */
const MAX_DEPTH = 20;
const MAX_TOKENS = 100_000;
const MAX_TEXT = 1024 * 1024;

/**
 * Reads a table as MLflow's `log_table` writes it: `{"columns": […], "data": [[…], …]}`, the columns first. Numbers are kept
 * as they are written.
 */
export async function readTableJson(chunks: AsyncIterable<Buffer>, sink: Sink): Promise<void> {
  const unreadable = (what: string) =>
    new RowsStop({ code: 'unreadable', path: sink.path, format: 'json', what });
  const tokenizer = new NumbersAsWritten({ emitPartialTokens: true });
  const parser = new TokenParser({ paths: ['$.columns', '$.data.*'], keepStack: false });
  let width: number | null = null;
  let tokens = 0;
  let depth = 0;
  parser.onValue = ({ key, stack, value }) => {
    tokens = 0;
    if (!Array.isArray(value)) throw unreadable('"columns" and each row must be lists');
    if (stack.length === 1 && key === 'columns') {
      if (width !== null) throw unreadable('"columns" stands there twice');
      width = value.length;
      sink.header(value.map(String));
      return;
    }
    if (width === null) throw unreadable('"columns" must come before "data"');
    if (value.length !== width) throw unreadable(`a row has ${value.length} cells, not ${width}`);
    sink.row(value.map(cellText));
  };
  tokenizer.onToken = (token) => {
    if (token.partial) {
      if (String(token.value).length > MAX_TEXT) throw unreadable('a text is too long');
      return;
    }
    tokens += 1;
    if (token.token === TokenType.LEFT_BRACE || token.token === TokenType.LEFT_BRACKET) depth += 1;
    if (token.token === TokenType.RIGHT_BRACE || token.token === TokenType.RIGHT_BRACKET) depth -= 1;
    if (depth > MAX_DEPTH || tokens > MAX_TOKENS) throw unreadable('a row is too large');
    parser.write(token);
  };
  try {
    for await (const chunk of chunks) tokenizer.write(chunk);
    if (!parser.isEnded) throw unreadable('the document breaks off');
  } catch (error) {
    if (!(error instanceof TokenizerError || error instanceof TokenParserError)) throw error;
    throw unreadable(error.message.slice(0, 200));
  }
}

class NumbersAsWritten extends Tokenizer {
  protected override parseNumber(text: string): number {
    return text as unknown as number;
  }
}

/** Text as CSV would have it. A list or an object is no cell; it is no number and no label either. */
function cellText(cell: unknown): string | null {
  if (cell === null || cell === undefined) return null;
  return typeof cell === 'object' ? JSON.stringify(cell) : String(cell);
}
