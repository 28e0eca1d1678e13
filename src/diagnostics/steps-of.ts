interface Steps {
  /** Commands that can be run as they are, in this order. */
  readonly commands: readonly string[];
  /** What only a person can do, or has to fill in. */
  readonly advice: readonly string[];
}

/** Separates the commands of a repair from its prose: each line is one of them, or prose that introduces a command. */
export function stepsOf(repair: string): Steps {
  const commands: string[] = [];
  const advice: string[] = [];
  for (const line of repair.split('\n')) {
    if (isCommand(line)) commands.push(line);
    else {
      const introduced = /^[^:…]{1,40}: (.*)$/.exec(line)?.[1];
      if (introduced !== undefined && isCommand(introduced)) commands.push(introduced);
      else advice.push(line);
    }
  }
  return {commands, advice};
}

/** Whether a line can be run as it is, without a name or a value to fill in. */
export function isCommand(line: string): boolean {
  return (
    /^(?:az|chmod|chown|git|kill|launchctl|mkdir|mv|rm|timedatectl|unset|usermod) \S|^orgkey (?:cache|config|daemon|doctor|exec|gateway|job|login|logout|logs|metrics|org|service|setup|ssh-key|status|token|tools|uninstall|which)(?: |$)/.test(
      line,
    ) && !/…|(?:^|\s)(?:FILE|USER|URL|NAME|ORGANIZATION)(?:$|\s)/.test(line)
  );
}
