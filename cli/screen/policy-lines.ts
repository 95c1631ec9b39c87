import type { PolicyFinding, PolicyFindings } from '../commands/policy-findings.ts';
import { bad, good, printable, warning } from './timeline-lines.ts';

/** One sentence about a finding, without colours. */
export function policyFindingText(finding: PolicyFinding): string {
  switch (finding.code) {
    case 'not-json':
      return `is not JSON: ${printable(finding.message)}`;
    case 'invalid':
      return printable(finding.path === '' ? finding.message : `${finding.path}: ${finding.message}`);
    case 'file-name':
      return 'no policy can have this name: small letters, digits and hyphens, at most 64, then .json';
    case 'no-such-policy':
      return `${finding.path}: there is no valid policy file ${printable(finding.policy)}.json beside it`;
    case 'stands-for-others':
      return `${finding.path}: ${printable(finding.policy)} stands for other policies itself`;
    case 'not-logged':
      return printable(`${finding.path}: no run has ${quotedList(finding.metrics)}`);
    case 'never-applies':
      return printable(
        `${finding.path}: no run has the metrics that decide in ${finding.policies.join(', ')}; the first of them would be used`,
      );
  }
}

const quotedList = (names: readonly string[]) => names.map((name) => JSON.stringify(name)).join(' or ');

/** The lines about one file. */
export function policyLines(file: string, { mistakes, notes }: PolicyFindings): string[] {
  const count = `${mistakes.length} mistake${mistakes.length === 1 ? '' : 's'}`;
  return [
    `${printable(file)}  ${mistakes.length === 0 ? good('valid') : bad(count)}`,
    ...mistakes.map((mistake) => `  ${policyFindingText(mistake)}`),
    ...notes.map((note) => `  ${warning('note')} ${policyFindingText(note)}`),
  ];
}
