/** Runs one Effection round; when it has ended, Effection's global scope must have no child left. */
import { createContext, global, type Operation, run } from "effection"
import type { Probe } from "./Probe.ts"

// Effection does not export this context, but contexts are told apart by name alone.
const Children = createContext<ReadonlySet<unknown>>("@effection/scope.children")

export const runOperation = async <A>(probe: Probe, operation: () => Operation<A>): Promise<A> => {
  probe.left("scopes", () => global.expect(Children).size)
  return await run(operation)
}
