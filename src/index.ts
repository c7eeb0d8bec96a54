/**
 * Lago for programs: everything that the command line does, typed. Importing it loads next to nothing; what a call
 * needs is loaded by the call.
 */
export { isLagoError, LagoError, type ErrorCode } from './base/errors.js'
export type { EventSink, LagoEvent, Level } from './base/events.js'
export { definePlugin } from './plugin/define.js'
export { envOfVerb, init, loadEnv, loadTemplates } from './sdk/init.js'
export type {
  CommonOptions,
  InitFile,
  InitFileOption,
  InitOptions,
  LoadOptions,
  NewEnvOptions,
  Settings,
} from './sdk/options.js'
export type {
  PublishedTemplates,
  StoredFacts,
  StoredImage,
  Template,
  TemplateImport,
  TemplatePublication,
  Templates,
  TemplatesOptions,
} from './sdk/template-types.js'
export type {
  AttachOptions,
  CollectOptions,
  Command,
  DeployOptions,
  Disk,
  Env,
  EnvShutdownOptions,
  ExecOptions,
  ExecResult,
  ExportOptions,
  ExportResult,
  InventoryOptions,
  LinkConditions,
  Net,
  Nic,
  Rung,
  RunOptions,
  ScriptOptions,
  Service,
  ShutdownOptions,
  Snapshot,
  SnapshotOptions,
  StartOptions,
  Vm,
  VmCpu,
  VmState,
  WaitOptions,
} from './sdk/types.js'

// what plugins are written against
export type { Era } from './base/prefix-era.js'
export type { Task } from './base/task.js'
export type { Guest, GuestCommand, GuestProcess, GuestResult, GuestRunOptions } from './guest/guest.js'
export type { ServiceManager, ServiceState } from './guest/services/manager.js'
export type { EnvPlan, VmPlan } from './plan/types.js'
export type {
  ArgSpec,
  CommandContext,
  CommandOutcome,
  CommandSpec,
  Completion,
  OptionSpec,
  ParsedArgs,
} from './plugin/command.js'
export type { LagoPlugin, OutputFormat } from './plugin/contract.js'
export type { AddedKinds, CreateProvider, ProviderSetup } from './prefix/kinds.js'
export type { BootWatch, StartContext, VmProvider } from './vm/provider.js'
export type { VmType } from './vm/types.js'
