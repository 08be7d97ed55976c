/** One size of one job over HTTP: what main plays and the report prints. */
import type { Samples } from "../measure.ts"
import type { Scored } from "../report.ts"

export interface HttpCase {
  readonly label: string
  /** Groups that it belongs to, on the command line. */
  readonly groups: ReadonlyArray<string>
  readonly rounds: number
  readonly scored: Scored
  readonly play: (rounds: number) => Promise<Samples>
}
