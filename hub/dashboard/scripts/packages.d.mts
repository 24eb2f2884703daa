import type { Plugin } from "vite";
export declare const vitesList: string;
export declare function packages(lock: unknown): Plugin;
