/** Which of the server's tasks somebody means, of those that it may read: the others are not there. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { TaskInfo } from "../../fibers/Tasks.ts"
import type { Visitor } from "../TaskAccess.ts"
import { may } from "./authorize.ts"
import type { Server } from "./served.ts"
import { findServed, type Served } from "./servedTask.ts"

/** All that are given must hold. */
export interface Selectors {
  readonly ids?: ReadonlyArray<string>
  readonly name?: string
  readonly labels?: ReadonlyArray<string>
  readonly state?: TaskInfo["state"]
}

/** One that somebody named and that there is not has nothing but its id. */
export interface Selected {
  readonly id: string
  readonly found?: { readonly info: TaskInfo; readonly served: Served }
}

/** In the order of the ids, each once; else oldest first. */
export const select: (
  server: Server,
  visitor: Visitor,
  selectors: Selectors
) => Effect.Effect<ReadonlyArray<Selected>> = Effect.fnUntraced(function* (server, visitor, selectors) {
  const infos = yield* server.tasks.list
  const known = new Map(infos.map((info) => [info.id, info]))
  const selected: Array<Selected> = []
  for (const id of new Set(selectors.ids ?? known.keys())) {
    const info = known.get(id)
    const served = info === undefined ? Option.none() : yield* findServed(server, id)
    if (info === undefined || Option.isNone(served) || !may(visitor, "read", served.value)) {
      if (selectors.ids !== undefined) selected.push({ id })
    } else if (matches(selectors, info, served.value)) selected.push({ id, found: { info, served: served.value } })
  }
  return selected
})

const matches = ({ labels, name, state }: Selectors, info: TaskInfo, { kind, labels: given }: Served): boolean =>
  (state === undefined || state === info.state) &&
  (name === undefined || name === kind.definition.name) &&
  (labels === undefined || labels.every((label) => given.includes(label)))
