// What Kubernetes says of a pod whose containers do not run.

const icons = { Pending: "◌", Succeeded: "✓", Failed: "✕" } as const;
type IdlePhase = keyof typeof icons;

/** isIdle is true of a phase in which a pod does not run. */
export function isIdle(phase: string | undefined): phase is IdlePhase {
  return phase !== undefined && Object.hasOwn(icons, phase);
}

/** PhaseBadge is the phase with its icon. */
export function PhaseBadge({ phase }: { phase: IdlePhase }) {
  return <span className={`state ${phase}`} title="the pod's phase in Kubernetes"><span aria-hidden="true">{icons[phase]}</span> {phase}</span>;
}
