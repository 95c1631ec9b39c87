import { Token } from 'aws-cdk-lib';
import * as z from 'zod';
import { problemMessages } from '../../lambdas/domain/problems.ts';

/** Validates a value unless it is a token, which is known only at deployment. */
export const unlessToken = <T extends z.ZodType>(schema: T) =>
  z.custom<unknown>().superRefine((value, context) => {
    if (Token.isUnresolved(value)) return;
    const parsed = schema.safeParse(value, problemMessages);
    for (const { message, path } of parsed.error?.issues ?? [])
      context.addIssue({ code: 'custom', message, path });
  });
