/**
 * A cancel that takes long, as the watchdog reports it: who was told to stop and
 * has not ended, why, since when, and where it sits.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type { CancelReason } from "./CancelReason.ts"

/**
 * One thing that was told to stop and holds its cancel up: what only waits for
 * it, such as its parents, is not listed.
 *
 * - `path`, `name`, `kind`: where it is in the tree
 * - `reason`: why, by whom, for which scope (`reason.scope`) the cancel was asked
 * - `askedAt`: epoch milliseconds; `askedMillisAgo`: its age
 * - `in`: the innermost span that its own fiber is in
 * - `waitsFor`: scopes open below it that this cancel does not reach, such as a
 *   shield or a nursery in its clean-up
 * - `holdsUp`: the reasons of other overdue cancels, of scopes above it, that wait for it
 *
 * @category models
 * @since 0.1.0
 */
export interface OverdueCancel {
  readonly path: string
  readonly name: string
  readonly kind: string
  readonly reason: CancelReason
  readonly askedAt: number
  readonly askedMillisAgo: number
  readonly state: OverdueState
  readonly in?: string
  readonly waitsFor: ReadonlyArray<string>
  readonly holdsUp: ReadonlyArray<CancelReason>
}

/**
 * - `grace`: told, not yet interrupted: its grace runs
 * - `held-off`: not yet interrupted, as a scope above it is where it cannot be
 * - `committing`: in the save of `Task.commit`, which a cancel waits for
 * - `cancelling`: interrupted; in its clean-up or in an uninterruptible region
 * - `closing`: its fiber has ended, the finalizers and hooks of its scope run
 * - `straggling`: the cancel gave up on it, and it still runs
 *
 * @category models
 * @since 0.1.0
 */
export type OverdueState = "grace" | "held-off" | "committing" | "cancelling" | "closing" | "straggling"

/**
 * One line, without line breaks whatever the names are.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toText = (overdue: OverdueCancel): string => {
  const parts = [
    `${overdue.kind} ${JSON.stringify(overdue.path)} was told to stop ${Duration.format(Duration.millis(overdue.askedMillisAgo))} ago`,
    askedBy(overdue.reason),
    states[overdue.state]
  ]
  if (overdue.in !== undefined) parts.push(`in span ${JSON.stringify(overdue.in)}`)
  if (overdue.waitsFor.length > 0) parts.push(`waits for ${overdue.waitsFor.join(", ")}`)
  for (const reason of overdue.holdsUp) parts.push(`holds up ${askedBy(reason)}`)
  return parts.join("; ")
}

const askedBy = ({ by, message, scope, source }: CancelReason): string =>
  `${source}${by === undefined ? "" : ` by ${JSON.stringify(by)}`} of ${JSON.stringify(scope)}, ${JSON.stringify(message)}`

const states: { readonly [State in OverdueState]: string } = {
  grace: "its grace runs",
  "held-off": "not interrupted, as a scope above it cannot be now",
  committing: "commits",
  cancelling: "in its clean-up or where it cannot be interrupted",
  closing: "its fiber has ended, its scope is being closed",
  straggling: "given up, and still runs"
}
