import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RegistryMode } from '../../lambdas/domain/registry.ts';
import { ARTIFACT_TAG } from '../../lambdas/domain/release/found.ts';
import {
  isKnown,
  isRegistryKnown,
  isServingKnown,
  type Look,
  noModel,
  noWorkload,
  pictureOf,
  registryShows,
  seen,
  servingShows,
  servingView,
  shownBy,
  shows,
} from '../../lambdas/domain/release/look.ts';
import { union } from '../../lambdas/domain/release/release.ts';
import { change, inFlight, look, registry, release, scaledTo, serving } from '../support/releases.ts';
import { artifact, NOON, proton, replacement, workload } from '../support/serving.ts';

const two = release('2', 'a2');
const three = release('3', 'a3');
const aliased = (production: string[], champion: string | null, mode: RegistryMode): Look => ({
  ...look(null, 'a2', mode),
  registry: registry(production, {}, champion === null ? {} : { champion }),
});

describe('the registry shows version 2', () => {
  it.each<[RegistryMode, string[], string | null, boolean]>([
    ['stages', ['2'], null, true],
    ['stages', ['2'], '4', true],
    ['stages', ['2', '4'], null, false],
    ['stages', ['4'], '2', false],
    ['stages', [], null, false],
    ['aliases', [], '2', true],
    ['aliases', ['4'], '2', true],
    ['aliases', ['2'], '4', false],
    ['aliases', ['2'], null, false],
    ['both', ['2'], '2', true],
    ['both', ['2'], '4', false],
    ['both', ['4'], '2', false],
    ['both', ['2', '4'], '2', false],
    ['both', ['2'], null, false],
    ['both', [], '2', false],
  ])('mode %s, in Production %j, alias %s: %s', (mode, production, champion, shown) => {
    expect(registryShows(aliased(production, champion, mode), two)).toBe(shown);
  });

  it('and no version only while no pointer names one', () => {
    const none = { version: null };
    expect(registryShows(look(null), none)).toBe(true);
    expect(registryShows(look('2'), none)).toBe(false);
    expect(registryShows(aliased([], '2', 'both'), none)).toBe(false);
  });

  it('whatever previous_champion names', () => {
    const of = { ...look('2'), registry: registry(['2'], {}, { champion: '2', previous_champion: '3' }) };
    expect(registryShows({ ...of, mode: 'both' }, two)).toBe(true);
  });
});

describe('the Workload shows artifact a2', () => {
  it.each([
    ['serving it', serving('a2'), true],
    ['with no active proton', serving('a2', { active: [] }), true],
    ['while its settings change', serving('a2', { in_flight: inFlight('a2') }), true],
    [
      'in the tail of its own rollout',
      serving('a2', { in_flight: inFlight('a2', { switched: true }) }),
      true,
    ],
    ['serving another', serving('a9'), false],
    ['with another on an active proton', serving('a2', { active: ['a2', 'a9'] }), false],
    ['with another in flight', serving('a2', { in_flight: inFlight('a9') }), false],
    [
      'with a cancelled one that is not gone',
      serving('a2', { in_flight: inFlight('a9', { leaving: true }) }),
      false,
    ],
    ['serving none', serving(null), false],
  ])('%s: %3$s', (_, of, shown) => {
    expect(servingShows(of, two)).toBe(shown);
  });

  it('is not compared where the release has no serving half, or no Workload is known', () => {
    expect(servingShows(serving('a9'), release('2'))).toBe(true);
    expect(servingShows(null, two)).toBe(true);
    expect(shows(look('2', 'a9'), release('2'))).toBe(true);
    expect(shows(look('2', 'a9'), two)).toBe(false);
  });
});

describe('what a change may have put there is known', () => {
  const open = change(two, three);

  it.each<[string, Look, boolean]>([
    ['as before', look('2', 'a2'), true],
    ['as it is to be', look('3', 'a3'), true],
    ['half way', look('2', 'a3'), true],
    ['half way, the other half', look('3', 'a2'), true],
    ['both versions, between two writes', look(['2', '3'], 'a3'), true],
    ['its rollout in flight', look('2', serving('a2', { in_flight: inFlight('a3') })), true],
    ["a person's version", look('4', 'a2'), false],
    ["a person's version beside ours", look(['2', '4'], 'a2'), false],
    ['no champion', look(null, 'a2'), false],
    ["a person's artifact", look('2', 'a4'), false],
    ["a person's artifact in flight", look('2', serving('a2', { in_flight: inFlight('a4') })), false],
    ['no artifact', look('2', serving(null)), false],
    ['another Workload', look('2', serving('a2', { workload_id: 'w2' })), false],
    ['no Workload', look('2'), true],
    ['mode both, one pointer moved', aliased(['3'], '2', 'both'), true],
    ["mode both, a person's alias", aliased(['3'], '4', 'both'), false],
    ['mode aliases', aliased(['4'], '3', 'aliases'), true],
  ])('%s: %3$s', (_, of, known) => {
    expect(isKnown(of, open)).toBe(known);
  });

  it('the registry names nothing only where nothing was named before', () => {
    const first = change(release(null, 'a2'), three);
    expect(isRegistryKnown(look(null), first)).toBe(true);
    expect(isRegistryKnown(look('3'), first)).toBe(true);
    expect(isRegistryKnown(look(null), open)).toBe(false);
    // On the way back to no champion, a champion is somebody's.
    expect(isRegistryKnown(look('3'), { ...first, aim: first.safe })).toBe(false);
  });

  it('a Workload that the aim knows nothing of may show anything', () => {
    const half = change(release('2'), release('3'));
    expect(isServingKnown(serving('a9', { in_flight: inFlight('a8'), workload_id: 'w2' }), half)).toBe(true);
  });

  it('stays known when more is touched', () => {
    const half = fc.constantFrom(null, '1', '2', '3', '4');
    const looks = fc
      .tuple(fc.uniqueArray(fc.constantFrom('1', '2', '3', '4'), { maxLength: 2 }), half, half)
      .map(([production, served, flying]) =>
        look(
          production,
          served === null
            ? null
            : serving(`a${served}`, { in_flight: flying === null ? null : inFlight(`a${flying}`) }),
        ),
      );
    const more = fc.record({
      versions: fc.array(half),
      artifacts: fc.array(half.map((n) => (n === null ? null : `a${n}`))),
    });
    fc.assert(
      fc.property(looks, more, (of, touched) => {
        fc.pre(isKnown(of, open));
        expect(isKnown(of, { ...open, touched: union(open.touched, touched) })).toBe(true);
      }),
    );
    fc.assert(
      fc.property(looks, (of) => {
        expect(isKnown(of, { ...open, touched: union(open.touched, seen(of)) })).toBe(true);
      }),
    );
  });
});

describe('what both sides agree on', () => {
  const shown = (of: Look) => shownBy(of, ARTIFACT_TAG);

  it('is one champion with the artifact that its tag names', () => {
    expect(shown(look('2', 'a2'))).toEqual({ version: '2', workload_id: 'w1', artifact_id: 'a2' });
    expect(shown(look('2', 'a9'))).toBeNull();
  });

  it('is what is served, where the champion has no tag', () => {
    const of = { ...look('2', 'a9'), registry: registry(['2'], { 2: '' }) };
    expect(shown(of)).toMatchObject({ artifact_id: 'a9' });
  });

  it('has no version before the first promotion, and no artifact without a Workload', () => {
    expect(shown(look(null, 'a2'))).toEqual({ version: null, workload_id: 'w1', artifact_id: 'a2' });
    expect(shown(look('2'))).toEqual({ version: '2', workload_id: null, artifact_id: null });
  });

  it.each([
    ['two champions', look(['2', '4'], 'a2')],
    ['pointers that disagree', aliased(['2'], '4', 'both')],
    ['another artifact in flight', look('2', serving('a2', { in_flight: inFlight('a9') }))],
    ['another artifact on an active proton', look('2', serving('a2', { active: ['a9'] }))],
  ])('is nothing with %s', (_, of) => {
    expect(shown(of)).toBeNull();
  });
});

describe('the picture that people are told', () => {
  const base = look('2', serving('a2', { in_flight: inFlight('a9') }));

  it('is another one when anything in it changes', () => {
    const pictures = [
      base,
      look('4', base.serving),
      look(['2', '4'], base.serving),
      look(null, base.serving),
      look('2', 'a2'),
      look('2', 'a9'),
      look('2', serving('a2', { in_flight: inFlight('a8') })),
      look('2', serving('a2', { workload_id: 'w2', in_flight: inFlight('a9') })),
      look('2'),
      { ...base, registry: registry(['2'], {}, { champion: '4' }) },
      { ...base, registry: noModel('m') },
      { ...base, serving: noWorkload('w1') },
    ].map(pictureOf);
    expect(new Set(pictures).size).toBe(pictures.length);
  });

  it('is the same while only a rollout proceeds, or settings change', () => {
    for (const more of [
      { in_flight: inFlight('a9', { state: 'finalizing', leaving: true }) },
      { in_flight: inFlight('a9', { switched: true }) },
      { in_flight: inFlight('a9'), importance: 'high', runtime: scaledTo(9) },
    ])
      expect(pictureOf(look('2', serving('a2', more)))).toBe(pictureOf(base));
  });
});

describe('what is read of a Workload', () => {
  const view = (...args: Parameters<typeof servingView>) => servingView(...args);
  const of = workload({ artifactId: 'new', runtime: { containerGroups: [] } });

  it('names the artifacts of the active protons only', () => {
    const protons = [
      proton('p1', 'old', null, 'draining'),
      proton('p2', 'new'),
      proton('p3', 'x', 'candidate'),
    ];
    expect(view(of, protons, null)).toMatchObject({ artifact_id: 'new', active: ['new'], in_flight: null });
  });

  it.each([
    ['warming_up', {}, { switched: false, leaving: false }],
    ['finalizing', { switchedAt: NOON.toISOString() }, { switched: true, leaving: true }],
    ['deleting', {}, { switched: false, leaving: true }],
    ['never-heard-of', {}, { switched: false, leaving: false }],
  ])('has a replacement in flight while it is %s', (status, more, flight) => {
    const flying = replacement('new', { status, ...more });
    expect(view(of, [], flying).in_flight).toEqual({ artifact_id: 'new', state: status, ...flight });
  });

  it.each(['completed', 'FAILED', 'errored'])('has none in flight once it is %s', (status) => {
    expect(view(of, [], replacement('new', { status })).in_flight).toBeNull();
  });

  it('has the status of the artifact that was read, else that of the document', () => {
    expect(view(of, [], null).artifact_status).toBe('locked');
    expect(view(of, [], null, artifact('new', 'draft').status).artifact_status).toBe('draft');
  });

  it('has a runtime that may be sent back: without what the platform only reports', () => {
    const runtime = {
      containerGroups: [
        { name: 'default', replicaCount: 2, resolvedBundle: { id: 'x' }, autoscaling: null },
        'odd',
      ],
      kept: 1,
    };
    expect(view({ ...of, runtime }, [], null).runtime).toEqual({
      containerGroups: [{ name: 'default', replicaCount: 2 }, 'odd'],
      kept: 1,
    });
    expect(view({ ...of, runtime: null }, [], null).runtime).toBeNull();
    expect(view({ ...of, runtime: { replicas: 1 } }, [], null).runtime).toEqual({ replicas: 1 });
  });
});
