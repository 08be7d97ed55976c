import type { Step } from "../../src/testing/TaskPlan.ts"

/** The steps of one kind. */
export type Of<Tag extends Step["_tag"]> = Extract<Step, { readonly _tag: Tag }>
