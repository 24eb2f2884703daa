// What is left when the page itself has a mistake: a sentence, and the way out.
import { Component, type ReactNode } from "react";

/** FailedPage shows its children, unless drawing them fails. */
export class FailedPage extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <div className="failure" role="alert">
        <strong>This page has a mistake</strong>
        <p>{this.state.error.message}</p>
        <p><button type="button" className="link" onClick={() => location.reload()}>Load it anew</button></p>
      </div>
    );
  }
}
