{% if task == "segmentation" %}
{% include "overlay.js" %}
{% endif %}
