import type * as z from 'zod';

/** What is wrong with a value from outside, in the words of whoever wrote it; given to `safeParse` of every such value. */
export const problemMessages = { error: (issue: z.core.$ZodRawIssue) => messageOf(issue) };

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  null: 'null',
};

/** What follows the path of the field; undefined leaves the message to the schema. */
function messageOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${KINDS[issue.expected] ?? issue.expected}`;
    case 'unrecognized_keys': {
      const keys = issue.keys.map((key) => JSON.stringify(key)).join(', ');
      return `${issue.keys.length === 1 ? 'unknown field' : 'unknown fields'} ${keys}`;
    }
    case 'invalid_value':
      return `must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      return 'has none of the forms that are allowed here';
    case 'too_small':
    case 'too_big':
      return sizeText(issue);
    default:
      return undefined;
  }
}

type Size = Extract<z.core.$ZodRawIssue, { code: 'too_small' | 'too_big' }>;

function sizeText(issue: Size): string {
  const { origin, inclusive = true } = issue;
  const bound = issue.code === 'too_small' ? issue.minimum : issue.maximum;
  const least = issue.code === 'too_small';
  if (origin === 'string') {
    if (least && bound === 1) return 'must not be empty';
    return `must have at ${least ? 'least' : 'most'} ${bound} characters`;
  }
  if (origin === 'array' || origin === 'set') {
    if (least && bound === 1) return 'must not be empty';
    return `must have at ${least ? 'least' : 'most'} ${bound} entries`;
  }
  if (inclusive) return `must be at ${least ? 'least' : 'most'} ${bound}`;
  return `must be ${least ? 'more' : 'less'} than ${bound}`;
}
