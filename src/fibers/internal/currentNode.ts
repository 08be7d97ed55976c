/**
 * Where a fiber stands in the scope tree. A `Context.Reference` is inherited by
 * every fiber below, Effect's own combinators included: that is what lets all
 * of them read one reason without a registry.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import { ScopeNode } from "./scopeNode.ts"

/** The root of everything that runs in this process outside of any task. */
const root = new ScopeNode("root", "root", undefined, Context.get(Context.empty(), Clock.Clock))

export const CurrentNode = Context.Reference<ScopeNode>("rescind/fibers/CurrentNode", { defaultValue: () => root })
