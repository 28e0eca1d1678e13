import {bazel, cargo, go, nuget} from './builders.ts';
import {pnpm} from './pnpm.ts';
import type {Client} from './client.ts';
import {pip, uv} from './python.ts';

/** The tools that can ask orgkey for themselves. */
export const clients: readonly Client[] = [cargo, pip, uv, pnpm, nuget, bazel, go];

/** Tools without a way to ask: `orgkey exec` gives them a token. */
export const withoutProtocol: readonly string[] = ['npm', 'yarn', 'maven'];
