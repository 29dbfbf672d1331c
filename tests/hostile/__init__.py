"""What others put before it: folders, caches, streams, rule files and case files that are hostile or unlucky."""
