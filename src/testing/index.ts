/**
 * Proof that code is safe to cancel.
 *
 * @since 0.1.0
 */
export * as TaskJournal from "./TaskJournal.ts"
export * as TaskPlan from "./TaskPlan.ts"
